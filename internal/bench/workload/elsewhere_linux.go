package workload

import (
	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// elsewhere makes the calling thread a client that is somewhere else, as far as that goes: it runs as soon as it has something to do, though
// the CPUs that it shares with the server are busy. Where the process may, by a real-time priority, since the kernel otherwise
// leaves a thread that has just had its share waiting until the next clock tick, up to 4 ms, which would be taken for the server's
// time. If it may not, it asks for a short slice.
func elsewhere() (restore func()) {
	before, err := unix.SchedGetAttr(0, 0)
	if err == nil && unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}, 0) == nil {
		return func() { _ = unix.SchedSetAttr(0, before, 0) }
	}
	return atom.Urgent()
}
