//go:build pinwheel_uncounted

package worker

const counting = false
