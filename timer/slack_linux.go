//go:build linux && !pinwheel_portable

package timer

import "golang.org/x/sys/unix"

// precise makes the kernel wake the calling thread when its timeouts are over, and not up to 50 us later. The caller is locked
// to the thread.
func precise() (restore func()) {
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) != nil {
		return func() {} // Without it, timers are late by so much more.
	}
	return func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0) }
}
