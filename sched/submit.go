package sched

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/internal/callsite"
)

// Submit has fn called as a task, and returns at once: it is the go statement, for a scheduler's tasks. Nobody awaits the task, and it has no
// results. Use [Go] for one that has, and [NewGroup] for several that are awaited together.
//
// Called inside a task, Submit puts the new one into the worker's own deque, from where idle workers may steal it; otherwise into the
// scheduler's queue, which has no bound (see [NewQueue] for one that has). It does not block (a [Sequential] scheduler runs the task first).
//
// It returns ctx's error if ctx is done, and [ErrClosed] if the scheduler takes no more work; then fn is not called. Otherwise it is,
// whatever comes next: if ctx is done, or the scheduler is closed, before the task begins, fn is called all the same, and what it waits for
// under ctx fails. fn may outlive the task that has called Submit.
//
// A panic of fn goes to the panic handler ([WithPanicHandler]), or ends the process if there is none. runtime.Goexit in fn ends the task.
//
// What happened before Submit happens before fn. Submit costs one allocation of 48 bytes, about two thirds of what Go costs, and
// wakes a worker if one is idle. An fn that waits or starts something costs another allocation, of 128 bytes.
//
//go:noinline
func Submit(ctx context.Context, fn func()) error {
	if fn == nil {
		panic("pinwheel: Submit of a nil function")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	pc := callsite.PC()
	t, pool := where(ctx)
	if task, ok := ctx.(*Task); ok {
		ctx = task.Parent()
	}
	if t != nil {
		return t.Detach(ctx, fn, pc)
	}
	return pool.Detach(ctx, fn, pc)
}
