package worker

import (
	"context"
	"time"
	"unsafe"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/gid"
)

// A Task is the handle of a running task. It is a context.Context: done when the context that the task was started with is
// done, when the future of its results is cancelled, when the scheduler is closed, and when the task has ended. context.Cause
// tells which: the cause of that context, the error that the future was cancelled with, [ErrClosed], or context.Canceled.
// Contexts derived from it may outlive the task, so a handle is never used for another.
//
// Forks, loops and whatever else takes a *Task must be called on the task's own goroutine. As a context it may be handed to
// any: what waits asks which task the calling goroutine is ([Here]), and suspends that, or blocks the goroutine if it is none.
type Task struct {
	s      *forkStack // of the fiber where it runs; that of ended after the end. For the task's own goroutine.
	pool   *Pool
	parent context.Context          // that it was started with; an origin or a place if it is a part of another task
	home   atom.Pointer[fiber]      // the same for others: nil before it runs, &ended after
	c      atom.Pointer[taskCancel] // made when somebody asks for Done

	watched *watch // nil before it waits
	watchLink

	detached bool // it begins, come what may
	known    bool // its handle has been given away, see Here. For the task's own goroutine.
}

type taskKey struct{}

// ended is the fiber of tasks that have ended. No fork fits its top, so all operations take their slow paths.
var ended = func() *fiber { f := &fiber{p: &proc{}}; f.init(); return f }()

func (t *Task) begin(f *fiber) {
	t.s = &f.forkStack
	t.home.Store(f)
}

// An origin is the task that a stolen fork is a part of, as the parent of the fork's handle. It marks such handles, and lets
// nobody take the task for the context that its user gave. It is never the handle of a stolen fork itself.
type origin struct{ *Task }

// child returns the handle of a stolen fork of t, which is about to run on f. Its context is that of t: a task outlives its
// forks.
func (t *Task) child(f *fiber) *Task {
	parent := t.parent
	if _, ok := parent.(origin); !ok {
		parent = origin{t}
	}
	c := &Task{pool: t.pool, parent: parent}
	c.begin(f)
	return c
}

// A place is a context with the task that runs a function in place under it: the parent of the function's handle.
type place struct {
	context.Context
	of *Task
}

// within returns a handle for a function that t runs in place under ctx.
func (t *Task) within(ctx context.Context) *Task {
	var inner struct {
		Task
		at place
	}
	inner.at = place{ctx, t}
	inner.pool, inner.parent = t.pool, &inner.at
	return &inner.Task
}

// top returns the root task that t is a part of, or itself.
func (t *Task) top() *Task {
	for {
		switch parent := t.parent.(type) {
		case origin:
			t = parent.Task
		case *place:
			t = parent.of
		default:
			return t
		}
	}
}

// whole returns the task that t is a stolen fork of, or t itself.
func (t *Task) whole() *Task {
	if o, ok := t.parent.(origin); ok {
		return o.Task
	}
	return t
}

func (t *Task) end() {
	if t.watched != nil {
		t.unwatch()
	}
	t.s = &ended.forkStack
	t.home.Store(ended) // then look for somebody who asked for Done: the mirror image of canceller
	if c := t.c.Load(); c != nil {
		c.cancel(context.Canceled)
	}
}

func (t *Task) fiber() *fiber { return (*fiber)(unsafe.Pointer(t.s)) }

// running returns the fiber of the running task, or panics if t is not it.
func (t *Task) running(op string) *fiber {
	f := t.fiber()
	if f == ended {
		panic("pinwheel: " + op + " with the handle of a task that has ended")
	}
	if f.g.Load() != gid.Current() {
		panic("pinwheel: " + op + " with the handle of a task that runs on another goroutine")
	}
	return f
}

// Attention reports whether somebody wants the task to take a safe point, to split its work or to give way.
func (t *Task) Attention() bool { return t.s.attn.Load() != 0 }

// SafePoint lets ready tasks of this worker run, if there are any, and thieves have work.
func (t *Task) SafePoint() {
	if t.s.attn.Load() != 0 {
		f := t.running("SafePoint")
		f.service()
		f.expose()
	}
}

// ExposeAll puts all forks of the task, and of those below it on the same stack, within reach of thieves. It is for a task that is about
// to compute for long without a safe point. It costs some 10 ns for each fork that was out of reach.
func (t *Task) ExposeAll() {
	f := t.running("ExposeAll")
	if !f.p.pool.alone() && f.exposeAll() {
		f.p.pool.notify(f.p)
	}
}

// Parent returns the context that the task was started with.
func (t *Task) Parent() context.Context {
	parent := t.whole().parent
	if at, ok := parent.(*place); ok {
		return at.Context
	}
	return parent
}

// Deadline returns the deadline of the context that the task was started with.
func (t *Task) Deadline() (time.Time, bool) { return t.parent.Deadline() }

// Err returns nil while the task runs and is not cancelled. It does not block and costs a few nanoseconds.
func (t *Task) Err() error {
	if c := t.c.Load(); c != nil {
		if err := c.Err(); err != nil {
			return err
		}
	}
	if err := t.parent.Err(); err != nil {
		return err
	}
	if t.home.Load() == ended || t.pool.cancelled.Load() {
		return context.Canceled
	}
	return nil
}

// Value returns the value of the context that the task was started with.
func (t *Task) Value(key any) any {
	if key == (taskKey{}) {
		return t
	}
	c := t.c.Load()
	if t.pool.cancelled.Load() {
		c = t.canceller() // which knows the cause
	}
	if c != nil {
		return c.Value(key) // which lets package context find the canceller, and attach to it directly
	}
	return t.parent.Value(key)
}

// Done returns a channel that is closed when the task is cancelled or has ended. The first call costs some allocations.
func (t *Task) Done() <-chan struct{} { return t.canceller().Done() }

// cancel cancels the task's context, and with it what waits under it.
func (t *Task) cancel(cause error) {
	t.canceller().cancel(cause)
	t.endWait() // then: the mirror image of Waiter.suspend
}

// endWait cancels the wait under the task's context, if the task waits on its own fiber.
func (t *Task) endWait() {
	if f := t.home.Load(); f != nil {
		if w := f.waiter.Load(); w != nil && w.own && w.task == t {
			w.cancel()
		}
	}
}

// A taskCancel is the part of a task's context that costs something.
type taskCancel struct {
	context.Context
	cancel context.CancelCauseFunc
}

func (t *Task) canceller() *taskCancel {
	if c := t.c.Load(); c != nil {
		if t.pool.cancelled.Load() {
			c.cancel(ErrClosed) // Close is about to, and the task may have woken already
		}
		return c
	}
	c := &taskCancel{}
	c.Context, c.cancel = context.WithCancelCause(t.parent)
	if !t.c.CompareAndSwap(nil, c) {
		c.cancel(nil)
		return t.c.Load()
	}
	switch {
	case t.home.Load() == ended:
		c.cancel(context.Canceled)
		return c
	case t.pool.cancelled.Load():
		c.cancel(ErrClosed)
		return c
	}
	stop := context.AfterFunc(t.pool.base, func() { c.cancel(ErrClosed) })
	context.AfterFunc(c, func() { stop() })
	return c
}
