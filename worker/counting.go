//go:build !pinwheel_uncounted

package worker

// counting is false in a build that exists to measure what the statistics cost (make overhead). Such a build reports no figures,
// and notices no worker that is stuck.
const counting = true
