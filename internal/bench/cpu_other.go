//go:build !unix

package bench

import "time"

// CPUTime returns false: there is no portable way to ask.
func CPUTime() (spent time.Duration, ok bool) { return 0, false }
