package sched

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/internal/callsite"
)

// ErrUnfinished is the error of tasks that have not ended when [Results.WaitContext] gives up.
var ErrUnfinished = errors.New("pinwheel: task has not ended")

// Results is a [Group] of tasks with results. They are in the order in which the tasks were started, and there is one for each,
// whatever becomes of it: so what there is at a deadline is not lost.
type Results[T any] struct {
	group *Group

	mu      sync.Mutex
	results []future.Result[T]
	first   int // the task that was first to succeed, or -1
}

// NewResults returns an empty group, as [NewGroup] does.
func NewResults[T any](ctx context.Context, opts ...GroupOption) *Results[T] {
	return &Results[T]{group: NewGroup(ctx, opts...), first: -1}
}

// Group returns the group of the tasks: for its limit and its context, and to cancel them. A task that is started by it has no
// result.
func (r *Results[T]) Group() *Group { return r.group }

// Go starts f as a task, as [Group.Go] does.
//
//go:noinline
func (r *Results[T]) Go(f func(t *Task) (T, error)) {
	if f == nil {
		panic("pinwheel: Results.Go of a nil function")
	}
	if r.group.enter(true) {
		r.start(f, callsite.PC())
	}
}

// TryGo is Go, but returns false instead of waiting.
//
//go:noinline
func (r *Results[T]) TryGo(f func(t *Task) (T, error)) bool {
	if f == nil {
		panic("pinwheel: Results.TryGo of a nil function")
	}
	if !r.group.enter(false) {
		return false
	}
	r.start(f, callsite.PC())
	return true
}

func (r *Results[T]) start(f func(t *Task) (T, error), from uintptr) {
	r.mu.Lock()
	m := &resultMember[T]{member: member{group: r.group}, of: r, fn: f, index: len(r.results)}
	r.results = append(r.results, future.Result[T]{Err: ErrUnfinished})
	r.mu.Unlock()
	m.start(m, from)
}

type resultMember[T any] struct {
	member
	of    *Results[T]
	fn    func(t *Task) (T, error)
	index int
}

func (m *resultMember[T]) Run(t *Task) {
	value, err := m.fn(t)
	m.keep(value, err)
	m.group.returned(err)
}

func (m *resultMember[T]) Done(failure *PanicError, refused error) {
	err := errorOf(failure, refused)
	if err != nil {
		var none T
		m.keep(none, err)
	}
	m.group.leave(failure, err)
}

// keep notes what has become of the task.
func (m *resultMember[T]) keep(value T, err error) {
	r := m.of
	r.mu.Lock()
	r.results[m.index] = future.Result[T]{Value: value, Err: err}
	if err == nil && r.first < 0 {
		r.first = m.index
	}
	r.mu.Unlock()
}

// Wait waits until all tasks have ended and returns what has become of each, and the error that [Group.Wait] returns for the
// same group. A task that did not begin has the error that kept it from that. It panics as Group.Wait does.
//
// If the context has a deadline, tasks that are cancelled by it have its error; the others' results are there.
func (r *Results[T]) Wait() ([]future.Result[T], error) {
	err := r.group.Wait()
	return r.snapshot(), err
}

// WaitContext is Wait, but gives up when ctx is done, and returns ctx's error and the results that are there; those of the
// other tasks have [ErrUnfinished]. Those tasks go on: see [Group.WaitContext].
func (r *Results[T]) WaitContext(ctx context.Context) ([]future.Result[T], error) {
	err := r.group.WaitContext(ctx)
	return r.snapshot(), err
}

// First waits until all tasks have ended and returns the value of the one that was first to succeed, in time. If there is none,
// it returns the errors of all, joined in the order in which they were started, or [future.ErrNone]. It is meant for a group
// with the option [FirstSuccess].
func (r *Results[T]) First() (value T, err error) {
	_ = r.group.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first >= 0 {
		return r.results[r.first].Value, nil
	}
	errs := []error{}
	for _, result := range r.results {
		errs = append(errs, result.Err)
	}
	if len(errs) == 0 {
		return value, future.ErrNone
	}
	return value, errors.Join(errs...)
}

func (r *Results[T]) snapshot() []future.Result[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.results)
}
