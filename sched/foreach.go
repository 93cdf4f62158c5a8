package sched

import (
	"context"
	"iter"
	"slices"
)

// ForEach calls fn for each element of source, in tasks, in any order: [Stream] without results. It returns when all calls have
// returned, with the error that came first, and takes the options of a stream. Errors are those of [Stream], panics of fn and
// of source included: they are returned as a [*PanicError].
func ForEach[T any](ctx context.Context, source iter.Seq[T], fn func(t *Task, x T) error, opts ...StreamOption) error {
	if source == nil || fn == nil {
		panic("pinwheel: ForEach with a nil source or function")
	}
	each := func(t *Task, x T) (struct{}, error) { return struct{}{}, fn(t, x) }
	for _, err := range Stream(ctx, source, each, append(slices.Clip(opts), Unordered())...) {
		if err != nil {
			return err
		}
	}
	return nil
}

// ReduceSeq folds the elements of source: stretches of 1,024 with fold, each from zero, and their results with combine, in
// order. So the result is the same whatever the number of workers. It holds some stretches at a time, however long source is.
// zero must be neutral for combine, and combine associative (up to rounding). Errors are those of [Stream], panics of fold,
// combine and source included: they are returned as a [*PanicError].
func ReduceSeq[T, A any](ctx context.Context, source iter.Seq[T], zero A, fold func(acc A, x T) A, combine func(a, b A) A) (A, error) {
	if source == nil || fold == nil || combine == nil {
		panic("pinwheel: ReduceSeq with a nil source or function")
	}
	stretches := func(yield func([]T, error) bool) {
		var xs []T
		for x := range source {
			if xs = append(xs, x); len(xs) == reduceStretch {
				if !yield(xs, nil) {
					return
				}
				xs = make([]T, 0, reduceStretch)
			}
		}
		if len(xs) > 0 {
			yield(xs, nil)
		}
	}
	part := func(_ *Task, xs []T) (A, error) { return foldEach(zero, xs, fold), nil }
	acc, err := Run(ctx, func(t *Task) (A, error) { // so that combine is called by a task, as fold is
		acc := zero
		for a, err := range Stream2(t, stretches, part) {
			if err != nil {
				return zero, err
			}
			acc = combine(acc, a)
		}
		return acc, nil
	})
	if err != nil {
		return zero, err
	}
	return acc, nil
}

const reduceStretch = 1024
