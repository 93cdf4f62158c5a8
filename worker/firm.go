package worker

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/internal/tick"
)

// WaitFirmly waits for [Waiter.Wake], whatever becomes of contexts and of the scheduler. It is for waits that must not fail and
// that others are sure to end, also while the scheduler is being closed. It must be called by whoever called Init.
func (w *Waiter) WaitFirmly() {
	switch {
	case w.task == nil:
		_ = w.block(context.Background())
	case w.state.Load() == waitWoken:
	default:
		f := w.task.fiber()
		w.firm, w.since = true, tick.Now()
		f.waiter.Store(w)
		if w.state.CompareAndSwap(waitArmed, waitParked) {
			f.suspend(fiberSuspended)
		}
		f.waiter.Store(nil)
	}
}

// SubmitHere hands over a task from a goroutine of a pool: to the deque of the worker that it is, as [Task.Submit] does, but
// also between two tasks, as in [Body.Done]. It reports false on any other goroutine.
func SubmitHere(r *Root) bool {
	f := fiberHere()
	if f == nil {
		return false
	}
	r.prepare(f.p.pool)
	return f.submit(&r.job) == nil
}
