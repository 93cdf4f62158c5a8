package sched

import "context"

// Forms of Map and Reduce for elements that are cheaper than a call: the function gets a stretch of them and is a loop, which the
// compiler makes of it what it can. A call for each element takes more than a nanosecond, a plain loop less.

// MapSpans cuts xs and dst into stretches at the same indices, and calls f with each stretch of dst and the one of xs that
// belongs to it. f sets each element of its dst from the element of its xs with the same index. dst must be as long as xs, or
// MapSpans panics; it may be xs itself.
//
//	err := sched.MapSpans(ctx, ys, xs, func(ys, xs []float64) {
//		for i, x := range xs {
//			ys[i] = 3*x + 1
//		}
//	})
//
// The length of the stretches adapts as in [ForRange]. Errors and panics are those of ForRange. It allocates once or twice.
func MapSpans[T, R any](ctx context.Context, dst []R, xs []T, f func(dst []R, xs []T)) error {
	if f == nil {
		panic("pinwheel: MapSpans with a nil function")
	}
	if len(dst) != len(xs) {
		panic("pinwheel: MapSpans into a slice of another length")
	}
	return ForRange(ctx, len(xs), func(_ *Task, lo, hi int) { f(dst[lo:hi], xs[lo:hi]) })
}

// spanLength is the greatest length of what ReduceSpans and Sum give to one call, if that does not make more than reduceLeaves of them.
const spanLength = 1 << 10

// ReduceSpans folds parts of xs with fold, and the results of the parts with combine, in order, beginning with zero. A part has
// up to 1,024 elements, or a 1,024th of xs if that is more. The parts depend on the length of xs alone, so the result is the
// same whatever the number of workers. zero must be neutral for combine, and combine associative (up to rounding).
//
// Errors and panics are those of [For]. It allocates up to 1024 partial results.
func ReduceSpans[T, A any](ctx context.Context, xs []T, zero A, fold func(xs []T) A, combine func(a, b A) A) (A, error) {
	if fold == nil || combine == nil {
		panic("pinwheel: ReduceSpans with a nil function")
	}
	parts := make([]A, min((len(xs)+spanLength-1)/spanLength, reduceLeaves))
	return combined(ctx, parts, zero, combine, func(_ *Task, lo, hi int) {
		for p := lo; p < hi; p++ {
			parts[p] = fold(part(xs, p, len(parts)))
		}
	})
}

// combined returns the result of a reduction, from the parts that fold sets. combine is called by a task as well, so that its panics,
// and runtime.Goexit, end in the same way as those of all other functions.
func combined[A any](ctx context.Context, parts []A, zero A, combine func(a, b A) A, fold func(_ *Task, lo, hi int)) (A, error) {
	acc := zero
	l := &loop{body: fold, last: func() {
		for _, part := range parts {
			acc = combine(acc, part)
		}
	}}
	if err := l.run(ctx, len(parts)); err != nil {
		return zero, err
	}
	return acc, nil
}

// A Number is what + adds up.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr |
		~float32 | ~float64 | ~complex64 | ~complex128
}

// Sum returns the sum of xs. The order of the additions depends on the length of xs alone, so the result is the same whatever the
// number of workers, rounding included; it is mostly closer to the exact sum than that of a plain loop is.
//
// It is as fast as memory is. Errors are those of [For].
func Sum[N Number](ctx context.Context, xs []N) (N, error) {
	return ReduceSpans(ctx, xs, 0, sumOf[N], func(a, b N) N { return a + b })
}

// sumOf adds up eight sums side by side, since an addition of floats takes as long as four processors' cycles, and one can begin in
// each.
func sumOf[N Number](xs []N) N {
	var a, b, c, d, e, f, g, h N
	for len(xs) >= 8 {
		x := (*[8]N)(xs)
		a, b, c, d = a+x[0], b+x[1], c+x[2], d+x[3]
		e, f, g, h = e+x[4], f+x[5], g+x[6], h+x[7]
		xs = xs[8:]
	}
	for _, x := range xs {
		a += x
	}
	return ((a + b) + (c + d)) + ((e + f) + (g + h))
}
