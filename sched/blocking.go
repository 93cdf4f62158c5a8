package sched

import (
	"context"
	"runtime/debug"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// Blocking calls fn off the workers and returns its results: for what blocks natively, such as cgo, a channel, or files. Inside a
// task it runs fn on a goroutine of its own while the task is suspended, and the worker goes on with other work; anywhere else
// it just calls fn. If ctx is done first, Blocking returns ctx's error, and fn goes on alone.
//
// Commands belong here too: Blocking(t, cmd.Output). A process inherits the CPUs of the thread that starts it; started here it may use
// all that this process may, started on a pinned worker only the worker's one. (Package os/exec has no hook by which that could be
// seen to: where cmd must be started by the task itself, use affinity.Unpinned.)
//
// A panic of fn comes back as a [*PanicError], runtime.Goexit as [ErrGoexit]. It costs about a microsecond.
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

// Yield is a safe point in a long computation: it lets tasks of this worker that have become ready run, and gives idle workers
// work to steal. Without any of that it costs a nanosecond. Forks, joins and loops are safe points already. Tasks that are
// queued and have not begun do not get the worker by it: to wait for one, await it.
func Yield(t *Task) { t.SafePoint() }
