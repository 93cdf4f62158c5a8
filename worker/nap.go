package worker

import (
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// Of the workers of a server, one is often enough for what comes in, and turns the loop as soon as it is out of work. If another, that goes
// to sleep meanwhile, slept in the loop, then each request would wake that for itself, and put whoever has sent it off the CPU. So a
// worker that parks often, and parks while another is awake, first sleeps for a moment on its word alone: what becomes ready is left to the
// other, until that goes to sleep, and then is the one that sleeps in the loop (docs/decisions/0032).

// napTime is how long. What becomes ready while all others compute is late by that at most.
const napTime = 100 * time.Microsecond

// napFor returns for how long a worker that has parked should sleep on its word alone: not beyond the time until.
func (w *worker) napFor(until time.Duration) time.Duration {
	if !w.restless || awake(w.pool.state.Load()) == 0 {
		return 0
	}
	if until == forever {
		return napTime
	}
	return min(napTime, until-atom.Now())
}

// nap sleeps on the parked word, and reports whether somebody has set it. It may return early.
func (w *worker) nap(d time.Duration) (woken bool) {
	atom.FutexWait(&w.parked, asleep, d)
	return w.parked.Load() != asleep
}
