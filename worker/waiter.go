package worker

import (
	"context"
	"sync"
	"unsafe"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/tick"
)

// A Waiter is one wait of one task or goroutine: the parking primitive that everything that waits is built from.
//
//	var w worker.Waiter
//	w.Init(ctx)
//	... let others find w, under a lock or by an atomic word ...
//	err := w.Wait(ctx)
//
// Init decides who waits: if the calling goroutine is a task's, Wait suspends that task, otherwise it blocks the goroutine. [Waiter.Wake] may come before Wait, and is not lost. Wake and the context race for the waiter, and
// exactly one wins: if Wake returns true, Wait returns nil; if Wait returns an error, Wake returns false, and whatever the
// wake was to hand over is still the waker's. A Waiter is used for one wait.
type Waiter struct {
	state atom.Uint32

	// What others see of a task that waits. It is written before the fiber shows the waiter, and not changed again.
	why   Reason
	firm  bool // it cannot be cancelled
	own   bool // it waits under its own context
	on    uintptr
	since tick.Count

	task *Task         // that waits, or nil
	sema chan struct{} // the goroutine's
}

//	      Wait            Wake
//	armed ----> parked ---------> woken
//	  |            |                ^
//	  |            | cancel         |
//	  |            v                |
//	  +------> cancelled            |
//	  +-----------------------------+
//
// Whoever moves the state out of parked ends the suspension.
const (
	waitArmed uint32 = iota
	waitParked
	waitWoken
	waitCancelled
)

var semas = sync.Pool{New: func() any { return make(chan struct{}, 1) }}

// Init prepares the wait.
func (w *Waiter) Init(ctx context.Context) {
	w.task = Here(ctx)
}

// For says what the wait is for: a reason, and a pointer to the object, or nil. It is called before Wait, or not at all, and
// costs a nanosecond. The object is not kept alive by it.
func (w *Waiter) For(why Reason, on any) {
	w.why = why
	w.on = uintptr((*[2]unsafe.Pointer)(unsafe.Pointer(&on))[1]) // the pointer in the interface
}

// Wait waits for [Waiter.Wake], or until ctx is done, or the task's scheduler is closed; then it returns ctx's error, or
// context.Canceled. It must be called by whoever called Init. What happened before Wake happens before the return.
func (w *Waiter) Wait(ctx context.Context) error {
	if w.task == nil {
		return w.block(ctx)
	}
	if w.state.Load() == waitWoken {
		return nil
	}
	f := w.task.fiber()
	under, _ := ctx.(*Task)
	w.own = under == w.task // then the wait is found through the fiber: see Task.watch
	w.since = tick.Now()
	f.waiter.Store(w) // then look for a cancellation: the mirror image of Pool.Close and Task.cancel
	var stop func() bool
	why := fiberSuspended
	switch {
	case !w.own:
		stop = w.watch(ctx)
		w.look()
	case w.task.watched == nil && f.p.worker != nil:
		why = fiberUnwatched // the trunk does the rest: it would make the fiber's stack grow
	default:
		w.watchOver()
	}
	if w.state.CompareAndSwap(waitArmed, waitParked) {
		f.suspend(why)
	}
	f.waiter.Store(nil)
	if stop != nil {
		stop()
	}
	if w.state.Load() == waitWoken {
		return nil
	}
	return errOf(ctx)
}

// watchOver has the wait, which is under its own task's context, cancelled when that is done.
func (w *Waiter) watchOver() {
	w.task.watch()
	if w.task.calledOff() {
		w.cancel()
	}
}

// look cancels the wait if the pool is closed.
func (w *Waiter) look() {
	if w.task.pool.cancelled.Load() {
		w.cancel()
	}
}

// watch has the wait cancelled when ctx is done.
func (w *Waiter) watch(ctx context.Context) (stop func() bool) {
	if ctx.Done() == nil {
		return nil
	}
	return context.AfterFunc(ctx, w.cancel)
}

// errOf returns the error of a context under which a wait was cancelled.
func errOf(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return context.Canceled // the pool is being closed
}

// blockSpin is how often a goroutine looks before it blocks. What it waits for is often a task of a microsecond, and blocking
// costs at least as much, on a machine with idle cores a thread's wake besides.
const blockSpin = 50

func (w *Waiter) block(ctx context.Context) error {
	for range blockSpin {
		if w.state.Load() == waitWoken {
			return nil
		}
		atom.Yield()
	}
	w.sema = semas.Get().(chan struct{})
	if !w.state.CompareAndSwap(waitArmed, waitParked) {
		semas.Put(w.sema)
		return nil
	}
	defer semas.Put(w.sema)
	select {
	case <-w.sema:
		return nil
	case <-ctx.Done():
		if w.state.CompareAndSwap(waitParked, waitCancelled) {
			return ctx.Err()
		}
		<-w.sema // the wake was first
		return nil
	}
}

// Wake ends the wait. It reports false if the wait has been cancelled or woken before. It does not block.
func (w *Waiter) Wake() bool { return w.end(waitWoken) }

// Cancelled reports whether Wait has returned an error, or is about to.
func (w *Waiter) Cancelled() bool { return w.state.Load() == waitCancelled }

func (w *Waiter) cancel() { w.end(waitCancelled) }

func (w *Waiter) end(how uint32) bool {
	for {
		switch s := w.state.Load(); s {
		case waitArmed:
			if w.state.CompareAndSwap(waitArmed, how) {
				return true
			}
		case waitParked:
			t, sema := w.task, w.sema // the waiter may be gone after the swap
			if w.state.CompareAndSwap(waitParked, how) {
				if t != nil {
					t.home.Load().resume() // it waits, so it has not ended
				} else {
					sema <- struct{}{}
				}
				return true
			}
		default:
			return false
		}
	}
}
