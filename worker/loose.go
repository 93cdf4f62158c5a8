package worker

import (
	"time"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// A pinned worker keeps its caches and never waits behind another worker, which is what computing wants. A worker that serves I/O sleeps
// and is woken thousands of times a second, beside clients and other threads that may run anywhere, and there pinning does harm: it has to
// wait for its CPU while another one idles, since the kernel chooses an idle CPU only for threads that may run there. So where nobody has
// asked for a certain placement, a worker that parks often lets go of its CPU, and takes hold of it again when it parks rarely
// (docs/decisions/0024).

const (
	settleParks = 256                    // a worker thinks about that at one in so many parks
	restless    = 150 * time.Millisecond // it is restless, and lets go, if they took less than this
	calm        = time.Second            // and calm, and takes hold again, if they took more than this
)

// settle lets go of the worker's CPU, or takes hold of it, according to how often it has parked lately.
func (w *worker) settle() {
	if w.rested++; w.rested%settleParks != 0 {
		return
	}
	now := atom.Now()
	w.haveParked(now - w.settled)
	w.settled = now
}

// haveParked is for a worker that has parked settleParks times within a while.
func (w *worker) haveParked(within time.Duration) {
	if w.restless && within > calm || !w.restless && within < restless {
		w.restless = !w.restless
	}
	if w.pool.loosen && !w.kept.Load() && w.loose.Load() != w.restless {
		w.hold(!w.restless)
	}
}

// hold pins the worker's thread to its CPUs, or to all that the process may use.
func (w *worker) hold(tight bool) {
	p := w.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	to := *w.native().cpus.Load()
	if to.IsEmpty() || p.machine.Topology == nil {
		return
	}
	if !tight {
		to = p.machine.Topology.Allowed
	}
	if affinity.PinThread(int(w.thread.Load()), to) == nil {
		w.pinned = to
		w.loose.Store(!tight)
	}
}
