// Package future has values that come later: a [Promise] is the writing end, its [Future] the reading end.
//
// Awaiting suspends the calling task, or blocks the calling goroutine if it is not a task of the context that is passed.
package future

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Future is a value or an error that is there, or will be. It is made by a [Promise]. It must not be copied.
type Future[T any] struct {
	claimed atom.Bool            // somebody has decided on the outcome
	waiters atom.Pointer[waiter] // a stack of those to wake; &settled when value and err are there
	value   T
	err     error
}

// A waiter is one Await.
type waiter struct {
	worker.Waiter
	next *waiter
}

// settled marks a future whose outcome can be read.
var settled waiter

// A Promise is the writing end of a [Future]. The zero value is ready for use; it must not be copied.
type Promise[T any] struct{ f Future[T] }

// NewPromise returns a promise that is not settled. It costs one allocation, for both ends.
func NewPromise[T any]() *Promise[T] { return &Promise[T]{} }

// Future returns the reading end.
func (p *Promise[T]) Future() *Future[T] { return &p.f }

// Resolve settles the future with a value. It panics if the future is settled already. It does not block.
// What happened before Resolve happens before the return of an Await that it ends.
func (p *Promise[T]) Resolve(value T) { p.f.settle(value, nil) }

// Reject settles the future with an error, which must not be nil. It panics if the future is settled already.
func (p *Promise[T]) Reject(err error) {
	if err == nil {
		panic("future: Reject with a nil error")
	}
	var none T
	p.f.settle(none, err)
}

func (f *Future[T]) settle(value T, err error) {
	if f.claimed.Swap(true) {
		panic("future: settled twice")
	}
	f.value, f.err = value, err
	for w := f.waiters.Swap(&settled); w != nil; {
		next := w.next // w may be gone after the wake
		w.Wake()
		w = next
	}
}

// Poll returns the outcome without waiting. ok is false if there is none yet.
func (f *Future[T]) Poll() (value T, err error, ok bool) { //nolint:staticcheck // the contract has the error second
	if f.waiters.Load() != &settled {
		return value, nil, false
	}
	return f.value, f.err, true
}

// Await returns the outcome, when it is there. If ctx is done first, it returns ctx's error; the future is not affected. An
// outcome that is already there wins over a context that is done.
func (f *Future[T]) Await(ctx context.Context) (T, error) {
	if f.waiters.Load() == &settled || f.wait(ctx) {
		return f.value, f.err
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	return none, context.Canceled
}

// wait reports whether the future was settled.
func (f *Future[T]) wait(ctx context.Context) bool {
	w := &waiter{}
	w.Init(ctx)
	for {
		top := f.waiters.Load()
		if top == &settled {
			return true
		}
		w.next = top
		if f.waiters.CompareAndSwap(top, w) {
			return w.Wait(ctx) == nil
		}
	}
}
