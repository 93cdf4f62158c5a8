package sched

import (
	"context"
	"errors"
)

// errFound ends a loop that looks for something.
var errFound = errors.New("pinwheel: found")

// Find returns the least i for which is(xs[i]) is true, or -1 if there is none. When an element has been found, those behind it
// are left out, except that each worker finishes the stretch that it has begun: so is may also be called for some elements
// behind the one that is returned. Errors and panics are those of [For].
func Find[T any](ctx context.Context, xs []T, is func(x T) bool) (int, error) {
	if is == nil {
		panic("pinwheel: Find with a nil function")
	}
	l := &loop{}
	l.body = func(_ *Task, lo, hi int) {
		for i := lo; i < hi; i++ {
			if is(xs[i]) {
				l.fail(i, nil, errFound)
				return
			}
		}
	}
	switch err := l.run(ctx, len(xs)); err {
	case nil:
		return -1, nil
	case errFound:
		return int(l.failedAt.Load()), nil
	default:
		return -1, err
	}
}

// Any reports whether is(x) is true for some x of xs. It stops looking when it has found one; otherwise it is as [Find].
func Any[T any](ctx context.Context, xs []T, is func(x T) bool) (bool, error) {
	i, err := Find(ctx, xs, is)
	return i >= 0, err
}

// All reports whether is(x) is true for every x of xs. It stops looking when it has found one for which it is false; otherwise
// it is as [Find].
func All[T any](ctx context.Context, xs []T, is func(x T) bool) (bool, error) {
	if is == nil {
		panic("pinwheel: All with a nil function")
	}
	i, err := Find(ctx, xs, func(x T) bool { return !is(x) })
	return i < 0 && err == nil, err
}
