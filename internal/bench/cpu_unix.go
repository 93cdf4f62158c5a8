//go:build unix

package bench

import (
	"syscall"
	"time"
)

// CPUTime returns the time that all threads of the process have computed, in the program and in the kernel.
func CPUTime() (spent time.Duration, ok bool) {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}
