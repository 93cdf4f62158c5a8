package sched

import (
	"context"
	"sync/atomic"
)

// What the algorithms that divide have in common: one kind of fork for all of them, whatever they divide.

// A divisible is a problem of which portions can be solved apart. Each embeds a *joint.
type divisible interface {
	solve(t *Task, p portion) int
	caught(f *PanicError)
}

// A portion of a problem. What lo, hi and more mean is the problem's affair.
type portion struct {
	of           divisible
	lo, hi, more int
}

// A joint is what all portions of a call share.
type joint struct {
	ctx     context.Context
	failure atomic.Pointer[PanicError] // the first that happened
}

// over reports whether there is no point in going on.
func (j *joint) over() bool { return j.failure.Load() != nil || j.ctx.Err() != nil }

func (j *joint) caught(f *PanicError) { j.failure.CompareAndSwap(nil, f) }

// divide solves a problem, in the calling task or in one of its own. make gets what the problem embeds.
func divide[P divisible](ctx context.Context, make func(j *joint) (P, portion)) (p P, n int, err error) {
	if err := ctx.Err(); err != nil {
		return p, 0, err
	}
	j := &joint{}
	run := func(t *Task, ctx context.Context) (int, error) {
		j.ctx = ctx
		var all portion
		p, all = make(j)
		all.of = p
		n := solve(t, all)
		return n, ctx.Err()
	}
	if t, _ := where(ctx); t != nil {
		n, err = run(t, ctx)
	} else {
		n, err = runIn(ctx, func(t *Task) (int, error) { return run(t, t) }, codeOf(make))
	}
	if f := j.failure.Load(); f != nil {
		panic(f)
	}
	return p, n, err
}

var portions = NewFork[portion, int]()

// both solves two portions, possibly at the same time.
func both(t *Task, a, b portion) (int, int) {
	f := portions.Fork(t, solve, b)
	n := solve(t, a)
	return n, f.Join(t)
}

// solve solves a portion. It catches panics, so that all portions are joined, and none fails with nobody there to be told.
func solve(t *Task, p portion) (n int) {
	defer func() {
		if r := recover(); r != nil {
			p.of.caught(t.Caught(r))
		}
	}()
	return p.of.solve(t, p)
}

// partitionLeast is the length of what one task partitions.
const partitionLeast = 1 << 14

// A partitioning divides xs by halves, has split partition each half, and swaps what lies on the wrong side.
type partitioning[T any] struct {
	*joint
	xs    []T
	split func(xs []T) int
}

func (p *partitioning[T]) solve(t *Task, part portion) int {
	lo, hi := part.lo, part.hi
	if p.over() {
		return 0
	}
	if hi-lo <= partitionLeast {
		return p.split(p.xs[lo:hi])
	}
	mid := lo + (hi-lo)/2
	left, right := both(t, portion{of: p, lo: lo, hi: mid}, portion{of: p, lo: mid, hi: hi})
	// lo [first ... left | others ...] mid [first ... right | others ...] hi
	n := min(mid-lo-left, right)
	s := &swapping[T]{p.joint, p.xs[lo+left:][:n], p.xs[mid+right-n:][:n]}
	s.solve(t, portion{s, 0, n, 0})
	return left + right
}

// A swapping exchanges two slices of the same length.
type swapping[T any] struct {
	*joint
	a, b []T
}

func (s *swapping[T]) solve(t *Task, part portion) int {
	lo, hi := part.lo, part.hi
	if hi-lo > partitionLeast {
		mid := lo + (hi-lo)/2
		both(t, portion{s, lo, mid, 0}, portion{s, mid, hi, 0})
		return 0
	}
	a, b := s.a[lo:hi], s.b[lo:hi]
	for i := range a {
		a[i], b[i] = b[i], a[i]
	}
	return 0
}
