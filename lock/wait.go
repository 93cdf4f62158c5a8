package lock

import (
	"context"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/park"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A waiter is one wait. Its fields but the first are protected by the guard of the queue that it is in.
//
// Whoever grants something does it inside the guard: take the waiter out, account for what it gets, Wake it, and if that
// reports that the waiter has given up meanwhile, undo the account and go on with the next. So a wait that returns nil has been
// given its due, one that returns an error has not, and nothing has to be passed on by the waiter.
type waiter struct {
	park.Waiter
	next, prev *waiter
	queued     bool
	kind       uint8         // of what it waits for, if there are several
	n          int64         // how much of it
	since      time.Duration // when it came
}

// waiterFor returns a waiter that tells whoever asks what it waits for.
func waiterFor(why worker.Reason, object any) *waiter {
	w := &waiter{}
	w.For(why, object)
	return w
}

// A queue is a list of waiters, oldest first, and the guard of everything that its owner decides by.
type queue struct {
	park.Guard
	first, last *waiter
}

func (q *queue) empty() bool { return q.first == nil }

func (q *queue) push(w *waiter) {
	w.queued, w.prev, w.next = true, q.last, nil
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
}

func (q *queue) pushFront(w *waiter) {
	w.queued, w.prev, w.next = true, nil, q.first
	if q.first == nil {
		q.last = w
	} else {
		q.first.prev = w
	}
	q.first = w
}

// remove takes w out, and reports whether it was in.
func (q *queue) remove(w *waiter) bool {
	if !w.queued {
		return false
	}
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.queued, w.prev, w.next = false, nil, nil
	return true
}

// pop takes the oldest out. It returns nil if there is none.
func (q *queue) pop() *waiter {
	w := q.first
	if w != nil {
		q.remove(w)
	}
	return w
}

// wakeOne wakes the oldest waiter that has not given up. The guard must be held.
func (q *queue) wakeOne() bool {
	for w := q.pop(); w != nil; w = q.pop() {
		if w.Wake() {
			return true
		}
	}
	return false
}

// takeAll takes all out, to be woken with wakeAll when the guard is left.
func (q *queue) takeAll() *waiter {
	all := q.first
	for w := all; w != nil; w = w.next {
		w.queued = false
	}
	q.first, q.last = nil, nil
	return all
}

func wakeAll(w *waiter) {
	for w != nil {
		next := w.next // w may be used no more after the wake
		w.Wake()
		w = next
	}
}

// wait queues up and waits. The guard must be held, and is left; if wait returns an error, it is held again, and left says
// that the waiter was still in the queue.
func (q *queue) wait(ctx context.Context, w *waiter) (left bool, err error) {
	w.Init(ctx)
	q.push(w)
	q.Unlock()
	if err = w.Wait(ctx); err != nil {
		q.Lock()
		left = q.remove(w)
	}
	return left, err
}
