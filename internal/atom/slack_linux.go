//go:build linux && !pinwheel_portable && !mc

package atom

import "golang.org/x/sys/unix"

// Precise makes the kernel wake the calling thread when the timeouts of its waits are over, and not up to 50 us later, which
// is what it does by default to save wake-ups. The caller must be locked to the thread. restore gives the thread back what it
// had.
func Precise() (restore func()) {
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) != nil {
		return func() {} // Without it, timers are late by so much more.
	}
	return func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0) }
}
