package sched

import (
	"context"
	"reflect"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/internal/callsite"
	"github.com/pinwheel-sched/pinwheel/internal/tick"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// Run runs fn as a task and returns its results. Called from a goroutine, it blocks that goroutine until the task has ended;
// called inside a task, it runs fn in place, as a part of that task.
//
// A panic of fn comes back as a [*PanicError], runtime.Goexit as [ErrGoexit] (inside a task it ends the calling task too).
// If ctx is done before fn begins, fn is not called, and ctx's error is returned. A ctx that is done later does not end the
// wait: fn sees t.Err() and is expected to return.
//
// What happened before Run happens before fn, and fn before Run's return.
//
// From a goroutine, fn runs on a worker, which may have to be woken: that takes 30 to 100 us. If the same function was over within
// a millisecond the last time, and not every worker is busy, the calling goroutine runs it itself, and idle workers steal from it:
// then Run costs about half a microsecond and two allocations.
func Run[T any](ctx context.Context, fn func(t *Task) (T, error)) (T, error) {
	if fn == nil {
		panic("pinwheel: Run of a nil function")
	}
	return runIn(ctx, fn, codeOf(fn))
}

// codeOf returns the code of a function.
func codeOf[F any](f F) worker.Code { return worker.Code(reflect.ValueOf(f).Pointer()) }

func runIn[T any](ctx context.Context, fn func(t *Task) (T, error), c worker.Code) (T, error) {
	t, pool := where(ctx)
	if t != nil {
		return runInPlace(ctx, t, fn)
	}
	r := &run[T]{fn: fn}
	r.Init(ctx, r)
	r.waiter.Init(context.Background())
	here, err := pool.RunHere(&r.Root, c)
	if err != nil {
		return r.value, err
	}
	if !here {
		r.waiter.WaitFirmly() // fn writes to r until it has ended, also if the caller is a task of another scheduler, which is closed
		if r.began != 0 {
			pool.Took(c, r.began)
		}
	}
	return r.value, worker.AwaitedHere(r.err)
}

type run[T any] struct {
	worker.Root
	fn     func(t *Task) (T, error)
	value  T
	err    error
	began  tick.Count
	waiter worker.Waiter
}

func (r *run[T]) Run(t *Task) {
	r.began = tick.Now()
	r.value, r.err = r.fn(t)
}

func (r *run[T]) Done(failure *PanicError, refused error) {
	if err := errorOf(failure, refused); err != nil {
		r.err = err
	}
	r.waiter.Wake()
}

func errorOf(failure *PanicError, refused error) error {
	switch {
	case failure == nil:
		return refused
	case failure.Value == ErrGoexit:
		return ErrGoexit
	}
	return failure
}

func runInPlace[T any](ctx context.Context, t *Task, fn func(t *Task) (T, error)) (value T, err error) {
	if err := ctx.Err(); err != nil {
		return value, err
	}
	failure := t.RunInPlace(ctx, func(t *Task) { value, err = fn(t) })
	if failure != nil {
		err = errorOf(failure, nil)
	}
	return value, err
}

// Go starts fn as a task and returns its future at once. Called inside a task, it puts the new task into the worker's own
// deque, from where idle workers may steal it; otherwise into the scheduler's queue. It does not block (a [Sequential]
// scheduler runs the task first).
//
// If ctx is the calling task itself, the new task gets the context that the calling task was started with, so it may outlive
// the calling task. If ctx is derived from the calling task, the new task is cancelled when the calling one ends.
//
// A goroutine that awaits the future, under a context that is never done, runs the task itself if no worker has begun it by
// then and a worker has nothing to do: so a task that is awaited at once need not go to another core, and its result need not
// come back. Workers steal from that goroutine, as they do from one that calls [Run].
//
// Cancelling the future cancels the task's context, with the error as its cause; if the task has not begun, fn is not called.
//
// The future is rejected with a [*PanicError] if fn panics, with [ErrGoexit] if it calls runtime.Goexit, with ctx's error if
// ctx is done before fn begins, and with [ErrClosed] if the scheduler takes no more work. It costs one allocation, about
// 100 to 250 ns, and wakes a worker if one is idle.
//
//go:noinline
func Go[T any](ctx context.Context, fn func(t *Task) (T, error)) *future.Future[T] {
	if fn == nil {
		panic("pinwheel: Go of a nil function")
	}
	g := &async[T]{fn: fn}
	t, pool := where(ctx)
	if task, ok := ctx.(*Task); ok {
		ctx = task.Parent()
	}
	g.Init(ctx, g)
	g.StartedAt(callsite.PC())
	g.promise.SetOwner(g)
	var err error
	if t != nil {
		err = t.Submit(&g.Root)
	} else {
		err = pool.Offer(&g.Root)
	}
	if err != nil {
		g.promise.Reject(err)
	}
	return g.promise.Future()
}

type async[T any] struct {
	worker.Root
	future.Owned
	fn      func(t *Task) (T, error)
	promise future.Promise[T]
}

// Awaited runs the task on the goroutine that awaits it, if it can.
func (g *async[T]) Awaited(firmly bool) (itself bool) { return g.AwaitedOnOffer(firmly) }

func (g *async[T]) Run(t *Task) { g.promise.Write(g.fn(t)) }

func (g *async[T]) Done(failure *PanicError, refused error) {
	g.fn = nil
	g.promise.Publish(errorOf(failure, refused))
}
