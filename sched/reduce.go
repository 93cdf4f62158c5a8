package sched

import (
	"cmp"
	"context"
	"fmt"
)

// reduceLeaves is how many parts Reduce and Scan cut a long slice into.
const reduceLeaves = 1024

// Reduce folds xs: parts of it with fold, each from zero, and the results of the parts with combine, in order. The parts depend on
// the length of xs alone, so the result is the same whatever the number of workers, also for floating-point sums. zero must
// be neutral for combine, and combine associative (up to rounding).
//
// Errors and panics are those of [For]. The cost is that of the folds, and an allocation of up to 1024 partial results.
func Reduce[T, A any](ctx context.Context, xs []T, zero A, fold func(acc A, x T) A, combine func(a, b A) A) (A, error) {
	if fold == nil || combine == nil {
		panic("pinwheel: Reduce with a nil function")
	}
	parts := make([]A, min(len(xs), reduceLeaves))
	err := ForRange(ctx, len(parts), func(_ *Task, lo, hi int) {
		for p := lo; p < hi; p++ {
			parts[p] = foldPart(part(xs, p, len(parts)), zero, fold, combine)
		}
	})
	acc := zero
	if err != nil {
		return acc, err
	}
	for _, part := range parts {
		acc = combine(acc, part)
	}
	return acc, nil
}

// part returns part p of n, which are of the same length but for one element.
func part[T any](xs []T, p, n int) []T { return xs[p*len(xs)/n : (p+1)*len(xs)/n] }

// foldPart folds quarters of xs side by side, if it is long enough. A fold has to wait for the one before; four chains of them
// keep the processor busy meanwhile.
func foldPart[T, A any](xs []T, zero A, fold func(acc A, x T) A, combine func(a, b A) A) A {
	a := zero
	q := len(xs) / 4
	if q < 8 {
		for _, x := range xs {
			a = fold(a, x)
		}
		return a
	}
	b, c, d := zero, zero, zero
	x0, x1, x2, x3 := xs[:q], xs[q:][:q], xs[2*q:][:q], xs[3*q:]
	for i := range q {
		a, b, c, d = fold(a, x0[i]), fold(b, x1[i]), fold(c, x2[i]), fold(d, x3[i])
	}
	for _, x := range x3[q:] {
		d = fold(d, x)
	}
	return combine(combine(combine(a, b), c), d)
}

// Scan returns the running results of op over xs: out[i] is xs[0] op xs[1] op ... xs[i], for sums the prefix sums. The order in
// which op is applied depends on the length of xs alone, so the result is the same whatever the number of workers. op must be
// associative (up to rounding).
//
// Errors and panics are those of [For]. It calls op twice for each element, so two workers cannot be much faster than one that
// calls it once, unless they keep more calls going: four chains of them run side by side. It allocates the result, and up to 1024
// partial ones.
func Scan[T any](ctx context.Context, xs []T, op func(a, b T) T) ([]T, error) {
	if op == nil {
		panic("pinwheel: Scan with a nil function")
	}
	out := make([]T, len(xs))
	parts := min((len(xs)+scanLeast-1)/scanLeast, reduceLeaves)
	sums := make([]T, parts)
	err := ForRange(ctx, parts, func(_ *Task, lo, hi int) {
		for p := lo; p < hi; p++ {
			sums[p] = joinPart(part(xs, p, parts), op)
		}
	})
	if err != nil {
		return nil, err
	}
	for p := 1; p < parts; p++ {
		sums[p] = op(sums[p-1], sums[p])
	}
	err = ForRange(ctx, (parts+3)/4, func(_ *Task, lo, hi int) {
		for p := 4 * lo; p < min(4*hi, parts); p++ {
			if from, to := part(xs, p, parts), part(out, p, parts); p == 0 {
				to[0] = from[0]
			} else {
				to[0] = op(sums[p-1], from[0])
			}
		}
		for u := lo; u < hi; u++ {
			scanParts(xs, out, 4*u, min(4*u+4, parts), parts, op)
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// joinPart returns xs[0] op xs[1] op ..., where xs is not empty, by quarters side by side as foldPart.
func joinPart[T any](xs []T, op func(a, b T) T) T {
	a := xs[0]
	q := len(xs) / 4
	if q < 8 {
		for _, x := range xs[1:] {
			a = op(a, x)
		}
		return a
	}
	x0, x1, x2, x3 := xs[:q], xs[q:][:q], xs[2*q:][:q], xs[3*q:]
	b, c, d := x1[0], x2[0], x3[0]
	for i := 1; i < q; i++ {
		a, b, c, d = op(a, x0[i]), op(b, x1[i]), op(c, x2[i]), op(d, x3[i])
	}
	for _, x := range x3[q:] {
		d = op(d, x)
	}
	return op(op(op(a, b), c), d)
}

// scanParts fills parts lo to hi-1 of out, of which the first elements are there: four of them side by side, if there are four.
func scanParts[T any](xs, out []T, lo, hi, parts int, op func(a, b T) T) {
	done := 1
	if hi-lo == 4 {
		x0, x1, x2, x3 := part(xs, lo, parts), part(xs, lo+1, parts), part(xs, lo+2, parts), part(xs, lo+3, parts)
		o0, o1, o2, o3 := part(out, lo, parts), part(out, lo+1, parts), part(out, lo+2, parts), part(out, lo+3, parts)
		n := min(len(x0), len(x1), len(x2), len(x3))
		x0, x1, x2, x3 = x0[:n], x1[:n], x2[:n], x3[:n]
		o0, o1, o2, o3 = o0[:n], o1[:n], o2[:n], o3[:n]
		a, b, c, d := o0[0], o1[0], o2[0], o3[0]
		for i := 1; i < n; i++ {
			a, b, c, d = op(a, x0[i]), op(b, x1[i]), op(c, x2[i]), op(d, x3[i])
			o0[i], o1[i], o2[i], o3[i] = a, b, c, d
		}
		done = n
	}
	for p := lo; p < hi; p++ {
		xs, out := part(xs, p, parts), part(out, p, parts)
		for i := done; i < len(xs); i++ {
			out[i] = op(out[i-1], xs[i])
		}
	}
}

// scanLeast is the length of a part of Scan, if it does not need more than reduceLeaves of them.
const scanLeast = 1024

// MinMax returns the least and the greatest of xs; both are NaN if one is. It panics if xs is empty. Errors are those of [For].
func MinMax[T cmp.Ordered](ctx context.Context, xs []T) (least, greatest T, err error) {
	if len(xs) == 0 {
		panic("pinwheel: MinMax of an empty slice")
	}
	type pair struct{ least, greatest T }
	parts := make([]pair, min(len(xs), reduceLeaves))
	err = ForRange(ctx, len(parts), func(_ *Task, lo, hi int) {
		for p := lo; p < hi; p++ {
			xs := part(xs, p, len(parts))
			m := pair{xs[0], xs[0]}
			for _, x := range xs {
				m.least, m.greatest = min(m.least, x), max(m.greatest, x)
			}
			parts[p] = m
		}
	})
	if err != nil {
		return least, greatest, err
	}
	least, greatest = parts[0].least, parts[0].greatest
	for _, m := range parts {
		least, greatest = min(least, m.least), max(greatest, m.greatest)
	}
	return least, greatest, nil
}

// Histogram counts how many of xs fall into each of n bins; bin says into which. Errors and panics are those of [For]; it panics
// so if a bin is not in [0, n). It allocates some counts of n bins for each worker.
func Histogram[T any](ctx context.Context, xs []T, n int, bin func(x T) int) ([]int, error) {
	if bin == nil || n < 1 {
		panic("pinwheel: Histogram with a nil function, or less than 1 bin")
	}
	parts := min(len(xs), 4*workersOf(ctx))
	counts := make([][]int, parts)
	err := For(ctx, parts, func(p int) {
		mine := make([]int, n)
		for _, x := range part(xs, p, parts) {
			b := bin(x)
			if uint(b) >= uint(n) {
				panic(fmt.Sprintf("pinwheel: Histogram: bin %d of %d", b, n))
			}
			mine[b]++
		}
		counts[p] = mine
	})
	if err != nil {
		return nil, err
	}
	sum := make([]int, n)
	for _, mine := range counts {
		for b, c := range mine {
			sum[b] += c
		}
	}
	return sum, nil
}

// GroupBy returns the elements of xs by their keys, those of a key in order. Errors and panics are those of [For].
func GroupBy[T any, K comparable](ctx context.Context, xs []T, key func(x T) K) (map[K][]T, error) {
	if key == nil {
		panic("pinwheel: GroupBy with a nil function")
	}
	parts := min(len(xs), 4*workersOf(ctx))
	groups := make([]map[K][]T, parts)
	err := For(ctx, parts, func(p int) {
		mine := map[K][]T{}
		for _, x := range part(xs, p, parts) {
			k := key(x)
			mine[k] = append(mine[k], x)
		}
		groups[p] = mine
	})
	if err != nil {
		return nil, err
	}
	all := map[K][]T{}
	for _, mine := range groups {
		for k, xs := range mine {
			if have, ok := all[k]; ok {
				xs = append(have, xs...)
			}
			all[k] = xs
		}
	}
	return all, nil
}

// workersOf returns how many workers there are where ctx leads.
func workersOf(ctx context.Context) int {
	_, pool := where(ctx)
	return pool.Size()
}
