package sched

import (
	"context"
	"slices"
)

// SortStableFunc sorts xs by compare and keeps the order of equal elements, as [slices.SortStableFunc]. Errors and panics are those
// of [SortFunc], but after a panic, or the end of ctx, xs may have some elements twice and others not at all. It is a mergesort,
// and allocates a second slice of the length of xs.
func SortStableFunc[E any](ctx context.Context, xs []E, compare func(a, b E) int) error {
	if compare == nil {
		panic("pinwheel: SortStableFunc with a nil function")
	}
	if len(xs) < 2 {
		return ctx.Err()
	}
	_, _, err := divide(ctx, func(j *joint) (*mergesort[E], portion) {
		return &mergesort[E]{j, xs, uncleared[E](len(xs)), compare}, portion{hi: len(xs)}
	})
	if err != nil {
		return err
	}
	return checkSorted(ctx, xs, compare)
}

// A mergesort sorts parts of xs, in place or into the same part of space.
type mergesort[E any] struct {
	*joint
	xs, space []E
	compare   func(a, b E) int
}

// solve sorts xs[lo:hi], into space if more is 1.
func (s *mergesort[E]) solve(t *Task, part portion) int {
	lo, hi, into := part.lo, part.hi, part.more
	if s.over() {
		return 0
	}
	if hi-lo <= leafLength {
		insertionFunc(s.xs[lo:hi], func(x, y E) bool { return s.compare(x, y) < 0 })
		if into == 1 {
			copy(s.space[lo:hi], s.xs[lo:hi])
		}
		return 0
	}
	mid := lo + (hi-lo)/2
	left, right := portion{s, lo, mid, 1 - into}, portion{s, mid, hi, 1 - into}
	if hi-lo > forkLength {
		both(t, left, right)
	} else {
		s.solve(t, left)
		s.solve(t, right)
	}
	if s.over() { // then the halves may not be where they should
		return 0
	}
	from, to := s.space, s.xs
	if into == 1 {
		from, to = to, from
	}
	if hi-lo <= mergeLeast {
		merge(from[lo:mid], from[mid:hi], to[lo:hi], s.compare)
		return 0
	}
	m := &merging[E]{s.joint, from[lo:mid], from[mid:hi], to[lo:hi], s.compare}
	return m.solve(t, portion{})
}

// MergeSorted returns the elements of a and b, which must be sorted by compare, in one sorted slice. Of equal elements those of a come
// first. Errors and panics are those of [For].
func MergeSorted[E any](ctx context.Context, a, b []E, compare func(a, b E) int) ([]E, error) {
	if compare == nil {
		panic("pinwheel: MergeSorted with a nil function")
	}
	m, _, err := divide(ctx, func(j *joint) (*merging[E], portion) {
		return &merging[E]{j, a, b, uncleared[E](len(a) + len(b)), compare}, portion{}
	})
	if err != nil {
		return nil, err
	}
	return m.to, nil
}

// A merging merges a and b into to.
type merging[E any] struct {
	*joint
	a, b, to []E
	compare  func(a, b E) int
}

// mergeLeast is the length of what one task merges.
const mergeLeast = 1 << 13

// solve cuts both at the median of the longer one, until they are short.
func (m *merging[E]) solve(t *Task, _ portion) int {
	if m.over() {
		return 0
	}
	if len(m.to) <= mergeLeast {
		merge(m.a, m.b, m.to, m.compare)
		return 0
	}
	var i, j int
	if len(m.a) >= len(m.b) {
		i = len(m.a) / 2
		j, _ = slices.BinarySearchFunc(m.b, m.a[i], m.compare) // those that equal a[i] come behind it
	} else {
		j = len(m.b) / 2
		i, _ = slices.BinarySearchFunc(m.a, m.b[j], func(x, y E) int { // those that equal b[j] come before it
			if m.compare(x, y) <= 0 {
				return -1
			}
			return 1
		})
	}
	both(t,
		portion{of: &merging[E]{m.joint, m.a[:i], m.b[:j], m.to[:i+j], m.compare}},
		portion{of: &merging[E]{m.joint, m.a[i:], m.b[j:], m.to[i+j:], m.compare}})
	return 0
}

func merge[E any](a, b, to []E, compare func(a, b E) int) {
	for len(a) > 0 && len(b) > 0 {
		if compare(b[0], a[0]) < 0 {
			to[0], b = b[0], b[1:]
		} else {
			to[0], a = a[0], a[1:]
		}
		to = to[1:]
	}
	copy(to[copy(to, a):], b)
}
