package sched

import (
	"context"
	"runtime/debug"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// Blocking calls fn off the workers and returns its results. It is for what blocks natively: cgo, a channel, a sync.Mutex that
// is held for long, files of package os, libraries that know nothing of pinwheel. Inside a task it runs fn on a goroutine of
// its own while the task is suspended, and the worker goes on with other work; anywhere else it just calls fn. If ctx is done
// first, a task gets ctx's error, and fn goes on alone: what it returns then is lost.
//
// Run commands here too: Blocking(t, cmd.Output). A process inherits the CPUs of the thread that starts it. Started by Blocking
// it may use all CPUs that this process may use; started by a task itself, only the one that its worker is pinned to. Where a
// task must start cmd itself, use [affinity.Unpinned].
//
// A panic of fn comes back as a [*PanicError], runtime.Goexit as [ErrGoexit]. In a task, it costs about a microsecond and a
// goroutine.
func Blocking[T any](ctx context.Context, fn func() (T, error)) (T, error) {
	if fn == nil {
		panic("pinwheel: Blocking of a nil function")
	}
	c := &blockingCall[T]{}
	if worker.Here(ctx) == nil {
		c.run(fn)
		return c.value, c.err
	}
	c.waiter.Init(ctx)
	c.waiter.For(worker.ForBlocking, c)
	go func() {
		defer c.waiter.Wake() // deferred, for fn may call runtime.Goexit
		c.run(fn)
	}()
	if err := c.waiter.Wait(ctx); err != nil {
		var none T
		return none, err
	}
	return c.value, worker.AwaitedHere(c.err)
}

type blockingCall[T any] struct {
	value  T
	err    error
	waiter worker.Waiter
}

func (c *blockingCall[T]) run(fn func() (T, error)) {
	returned := false
	defer func() {
		if returned {
			return
		}
		switch r := recover().(type) {
		case nil:
			c.err = ErrGoexit
		case *PanicError:
			c.err = r
		default:
			c.err = &PanicError{Value: r, Stack: debug.Stack()}
		}
	}()
	c.value, c.err = fn()
	returned = true
}

// Yield is a safe point in a long computation. It runs tasks of this worker whose wait is over, and lets idle workers steal t's
// forks. If there is neither, it costs a nanosecond. Forks, joins and the steps of a loop are safe points already. Yield does
// not begin tasks that wait in a queue: to wait for such a task, await it.
func Yield(t *Task) { t.SafePoint() }
