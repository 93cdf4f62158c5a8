//go:build linux && !pinwheel_portable && !mc

package atom

import "golang.org/x/sys/unix"

// Urgent asks the kernel to let the calling thread run soon after it has been woken, though other threads compute on every CPU. It
// is for threads that do little at a time. The caller must be locked to the thread. restore takes it back.
//
// A thread that computes is left alone by the scheduler of Linux until its slice of some 3 ms is over, unless a thread with a shorter
// slice becomes ready (Linux 6.12 and later). So the thread asks for a short one, which changes nothing about its
// share of the CPU. Older kernels ignore it.
func Urgent() (restore func()) {
	const shortest = 100_000 // ns, the least that the kernel takes
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil || attr.Policy != unix.SCHED_NORMAL && attr.Policy != unix.SCHED_BATCH {
		return func() {}
	}
	before := *attr
	attr.Runtime = shortest
	if unix.SchedSetAttr(0, attr, 0) != nil {
		return func() {}
	}
	return func() { _ = unix.SchedSetAttr(0, &before, 0) }
}
