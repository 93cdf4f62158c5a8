//go:build !linux || pinwheel_portable || mc

package worker

import "time"

// threadTime does not know the CPU time of threads here.
func threadTime(int) (cpu time.Duration, known bool) { return 0, false }

func threadSleeps(int) bool { return true }
