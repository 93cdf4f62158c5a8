package worker

import (
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/victim"
)

// fairTurn is how often, in jobs, a worker with work of its own takes the oldest instead of the youngest: in turn from the
// injector and from its own deque. So tasks that beget tasks starve neither work from outside nor what lies below them. (A
// prime, as in Go's scheduler, to stay out of step with patterns.)
const fairTurn = 61

// find returns the next job for fiber f to run. It returns nil when the fiber should yield to the trunk instead: a ready
// fiber waits, or the pool stops. It parks the thread while there is neither.
func (w *worker) find(f *fiber) *Job {
	if w.owed {
		w.owed = false
		if j := w.local(); j != nil {
			w.endSearch()
			return j
		}
	}
	for w.pass(); !w.anyReady() && !w.pool.stopping.Load(); {
		w.comeBack()
		w.answer()
		if w.mustRetire() {
			f.forget()
			w.retire()
			continue
		}
		w.timed = false
		j := w.local()
		if j == nil {
			j = w.search()
		}
		if j != nil {
			w.endSearch()
			w.fruitless = w.timed // which says nothing about what comes next
			return j
		}
		if !w.anyReady() && !w.pool.stopping.Load() {
			f.forget()
			if due, ready := w.turn(atom.Now()); !due && !ready && !w.linger() {
				w.park()
			}
		}
	}
	w.endSearch()
	w.fruitless = false // a fiber is as good as a job
	return nil
}

// linger waits a little for a fiber of the worker's own, if any are suspended and the worker does not search, because enough
// others do. Two tasks that wait for each other in turn would otherwise put a thread to sleep each time. It reports whether there
// is something to do.
func (w *worker) linger() bool {
	if w.isSearching || w.fruitless || w.suspended.Load() == 0 {
		return false
	}
	for end := atom.Now() + w.spin; atom.Now() < end; {
		for range 8 {
			if w.anyReady() {
				return true
			}
			atom.Yield()
		}
		if w.pool.anyWork() || w.pool.stopping.Load() {
			return true
		}
	}
	w.fruitless = true
	return false
}

// local takes a prompt job, or one from the worker's own deque or the injector.
func (w *worker) local() *Job {
	if j := w.nextPrompt(); j != nil {
		return j
	}
	switch w.tick++; w.tick % (2 * fairTurn) {
	case 0:
		if j, _ := w.pool.injector.pop(w.own); j != nil {
			return j
		}
	case fairTurn:
		if j, _ := w.thief.Steal(); j != nil {
			return j
		}
	}
	if j := w.own.Pop(); j != nil {
		return j
	}
	j, _ := w.pool.injector.pop(w.own)
	return j
}

// search looks at the injector and the other procs until it finds a job, something else calls for the worker, or the spin
// time is over.
//
// The spin time adapts. It is halved, down to a sixteenth, whenever it passes in vain, and whole again when it has paid. It is
// skipped after a wake that found nothing. What a timer brings does not pay for it, as the worker gets up for its timers
// anyway, and nothing follows from it, so it skips the spin after that, too.
func (w *worker) search() *Job {
	if !w.isSearching {
		if !w.pool.beginSearch() {
			return nil
		}
		w.isSearching = true
	}
	spin := w.spin
	if w.fruitless {
		spin = 0
	}
	var deadline time.Duration
	for round := 0; ; round++ {
		j, again := w.stealAny(round)
		busy := false
		if j == nil {
			j, busy = w.pool.injector.pop(w.own)
		}
		if j == nil {
			j = w.takePrompt()
		}
		if j != nil {
			if round > 0 && !w.timed {
				w.spin = w.pool.spin // spinning has paid
			}
			return j
		}
		if w.anyReady() || w.pool.stopping.Load() {
			if !w.timed {
				w.spin = w.pool.spin
			}
			return nil
		}
		if again || busy {
			atom.Yield()
			continue
		}
		if round%8 == 0 {
			now := atom.Now()
			due, ready := w.turn(now)
			w.timed = due && !ready
			if round == 0 {
				deadline = now + spin
				w.becomes(stateSearching)
			}
			if due || ready {
				continue
			}
			if now >= deadline || w.pool.crowded() {
				if w.order.Load().Far() { // this round has left something out
					if j, _ = w.stealAny(victim.Everywhere); j != nil {
						return j
					}
				}
				w.fruitless = true
				w.spin = max(w.spin/2, w.pool.spin/16)
				return nil
			}
		}
		for range 8 {
			atom.Yield()
		}
	}
}

// endSearch leaves the searching state, after something was found. If nobody else searches, and there is work left, it wakes
// the next: those who made that work visible have relied on this worker.
func (w *worker) endSearch() {
	if !w.isSearching {
		return
	}
	w.isSearching = false
	w.becomes(stateBusy)
	if w.pool.endSearch() && w.pool.anyWork() {
		w.pool.notify(&w.proc)
	}
}
