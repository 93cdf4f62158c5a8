package sched

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/internal/callsite"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Group is a set of tasks that end together: structured concurrency. Make one with [NewGroup], start tasks with Go, and call
// Wait, which returns when all have ended.
//
// Unless an option says otherwise, the first task that fails cancels the group's context, and [Group.Wait] returns its error. A
// group may be used from tasks and goroutines alike. For tasks with results there is [Results].
type Group struct {
	parent context.Context
	ctx    context.Context
	cancel context.CancelCauseFunc
	mode   groupMode

	mu      sync.Mutex // never held while tasks run or are submitted
	running int
	limit   int     // of running; 0 for none
	errs    []error // in order of time; only the first of a group that fails by it
	won     bool    // a task has succeeded, if that decides
	failure *PanicError
	waiters []*worker.Waiter // of Wait
	queue   []*worker.Waiter // of Go, for a place under the limit
}

// A GroupOption says what the end of a task means for its group.
type GroupOption func(*Group)

type groupMode uint8

const (
	firstError groupMode = iota
	allSettle
	firstSuccess
)

// AllSettle makes a failure leave the other tasks alone. Wait returns all errors, joined in the order of time ([errors.Join]).
func AllSettle() GroupOption { return func(g *Group) { g.mode = allSettle } }

// FirstSuccess makes the first task that returns nil cancel the others, with [future.ErrNotNeeded] as the cause. Wait returns
// nil if a task has succeeded. If none has, it returns all errors, joined in the order of time, or [future.ErrNone] if there
// was no task.
func FirstSuccess() GroupOption { return func(g *Group) { g.mode = firstSuccess } }

// NewGroup returns an empty group whose tasks run under a context derived from ctx. Give it at most one of [AllSettle] and
// [FirstSuccess]; of both, the last one counts. The group holds resources of its context until [Group.Wait] or [Group.Cancel].
func NewGroup(ctx context.Context, opts ...GroupOption) *Group {
	g := &Group{parent: ctx}
	g.ctx, g.cancel = context.WithCancelCause(ctx)
	for _, o := range opts {
		o(g)
	}
	return g
}

// Context returns the context of the group's tasks. It is cancelled when the group is decided (by the first failure, unless an
// option says otherwise; that error is the cause), by [Group.Cancel], and when Wait returns.
func (g *Group) Context() context.Context { return g.ctx }

// Cancel cancels the context of the tasks, with a cause. Tasks that have not begun never will. Those that have begun are
// expected to end soon; Wait still waits for them. Cancel does not block.
func (g *Group) Cancel(cause error) { g.cancel(cause) }

// SetLimit makes [Group.Go] wait, and [Group.TryGo] refuse, while n tasks of the group run. If a task under the group's context
// calls Go, Go does not wait: the tasks that run may all be waiting for what that task does, and the limit would never let it
// go on. So there may be more than n tasks then. SetLimit must be called before the first task is started: it panics if tasks
// run, or if n is less than 1.
func (g *Group) SetLimit(n int) {
	if n < 1 {
		panic("pinwheel: Group.SetLimit of less than 1")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running > 0 {
		panic("pinwheel: Group.SetLimit while tasks run")
	}
	if g.limit == 0 {
		g.ctx = context.WithValue(g.ctx, insideOf{g}, true)
	}
	g.limit = n
}

// insideOf is the key of a value that the context of a group with a limit has.
type insideOf struct{ g *Group }

// inside reports whether the caller is a task under the group's context.
func (g *Group) inside() bool {
	t := worker.Here(g.parent)
	return t != nil && t.Value(insideOf{g}) != nil
}

// Go starts f as a task of the group. If the group has reached its limit, Go waits first: it suspends the calling task, or
// blocks the calling goroutine. If the group is cancelled before f begins, f is not called. It costs two allocations, about
// 150 ns.
//
//go:noinline
func (g *Group) Go(f func(t *Task) error) {
	if f == nil {
		panic("pinwheel: Group.Go of a nil function")
	}
	if g.enter(true) {
		m := &member{group: g, fn: f}
		m.start(m, callsite.PC())
	}
}

// TryGo is Go, but returns false instead of waiting.
//
//go:noinline
func (g *Group) TryGo(f func(t *Task) error) bool {
	if f == nil {
		panic("pinwheel: Group.TryGo of a nil function")
	}
	if !g.enter(false) {
		return false
	}
	m := &member{group: g, fn: f}
	m.start(m, callsite.PC())
	return true
}

// enter takes a place for a task.
func (g *Group) enter(wait bool) bool {
	g.mu.Lock()
	if g.limit > 0 && g.running >= g.limit {
		if !wait {
			g.mu.Unlock()
			return false
		}
		if !g.inside() {
			w := &worker.Waiter{}
			w.Init(g.parent)
			w.For(worker.ForPlace, g)
			g.queue = append(g.queue, w)
			g.mu.Unlock()
			w.WaitFirmly() // a task that ends will hand its place on: all of them end, also after a cancellation
			return true
		}
	}
	g.running++
	g.mu.Unlock()
	return true
}

// A member is one task of a group.
type member struct {
	worker.Root
	group *Group
	fn    func(t *Task) error
}

// start submits the task. body is the member, or what it is embedded in.
func (m *member) start(body worker.Body, from uintptr) {
	g := m.group
	m.Init(g.ctx, body)
	m.StartedAt(from)
	t, pool := where(g.parent)
	var err error
	if t != nil {
		err = t.Submit(&m.Root)
	} else {
		err = pool.Submit(&m.Root)
	}
	if err != nil {
		body.Done(nil, err)
	}
}

func (m *member) Run(t *Task) { m.group.returned(m.fn(t)) }

func (m *member) Done(failure *PanicError, refused error) {
	m.group.leave(failure, errorOf(failure, refused))
}

// returned notes what the function of a task has returned.
func (g *Group) returned(err error) {
	if err == nil && g.mode != firstSuccess {
		return
	}
	g.mu.Lock()
	decides := g.decides(err)
	g.mu.Unlock()
	if decides {
		g.decided(err)
	}
}

// decided cancels the tasks that the group needs no more.
func (g *Group) decided(err error) {
	if err == nil {
		err = future.ErrNotNeeded
	}
	g.cancel(err)
}

// leave gives the place of a task back. err is not nil if its function has not returned: it has not begun, or failure says why.
func (g *Group) leave(failure *PanicError, err error) {
	g.mu.Lock()
	decides := err != nil && g.decides(err)
	if g.failure == nil && failure != nil && failure.Value != ErrGoexit {
		g.failure = failure
	}
	g.running--
	var wake []*worker.Waiter
	if len(g.queue) > 0 && g.running < g.limit {
		// The place is handed on, so that nobody else takes it, and Wait does not find the group empty, before its new owner is awake.
		wake = append(wake, g.queue[0])
		g.queue[0] = nil
		g.queue = g.queue[1:]
		g.running++
	}
	if g.running == 0 {
		wake, g.waiters = append(wake, g.waiters...), nil
	}
	g.mu.Unlock()
	if decides {
		g.decided(err)
	}
	for _, w := range wake {
		w.Wake()
	}
}

// decides records how a task has ended, and reports whether that decides the group. g.mu is held.
func (g *Group) decides(err error) bool {
	if err == nil {
		first := g.mode == firstSuccess && !g.won
		g.won = g.won || first
		return first
	}
	if g.mode != firstError {
		g.errs = append(g.errs, err)
		return false
	}
	if len(g.errs) > 0 {
		return false
	}
	g.errs = []error{err}
	return true
}

// Wait waits until all tasks of the group have ended, also those that the others start meanwhile, and returns the first error
// in order of time, or nil; or what the group's option says. If a task has panicked, Wait panics with the first [*PanicError], in
// order of time, whatever the option. It suspends the calling task, or blocks the calling goroutine, and a context that is done
// does not end the wait: the tasks are expected to. The group's context is cancelled then: tasks that are started after Wait
// has returned do not begin, and the next Wait returns their error.
//
// What the tasks did happens before Wait returns.
func (g *Group) Wait() error {
	_ = g.waitBy(func(w *worker.Waiter) error { w.WaitFirmly(); return nil })
	return g.outcome()
}

// WaitContext is Wait, but gives up when ctx is done, and returns ctx's error. The tasks go on, so Wait or WaitContext is to be
// called again; [Group.Cancel] asks them to end.
func (g *Group) WaitContext(ctx context.Context) error {
	if err := g.waitBy(func(w *worker.Waiter) error { return w.Wait(ctx) }); err != nil {
		return err
	}
	return g.outcome()
}

// waitBy waits until no task is left, or until wait, which is how a waiter waits, fails.
func (g *Group) waitBy(wait func(w *worker.Waiter) error) error {
	g.mu.Lock()
	for g.running > 0 {
		w := &worker.Waiter{}
		w.Init(g.parent)
		w.For(worker.ForGroup, g)
		g.waiters = append(g.waiters, w)
		g.mu.Unlock()
		err := wait(w)
		g.mu.Lock()
		if err != nil {
			g.waiters = slices.DeleteFunc(g.waiters, func(x *worker.Waiter) bool { return x == w })
			g.mu.Unlock()
			return err
		}
	}
	g.mu.Unlock()
	return nil
}

// outcome is what Wait returns when all tasks have ended.
func (g *Group) outcome() (err error) {
	g.mu.Lock()
	failure := g.failure
	switch {
	case g.mode == firstError:
		if len(g.errs) > 0 {
			err = g.errs[0]
		}
	case g.mode == firstSuccess && g.won:
	case g.mode == firstSuccess && len(g.errs) == 0:
		err = future.ErrNone
	default:
		err = errors.Join(g.errs...)
	}
	g.mu.Unlock()
	g.cancel(err)
	if failure != nil {
		failure.Raise()
	}
	return err
}
