package sched

import (
	"cmp"
	"context"
	"fmt"
)

// reduceLeaves is how many parts a reduction cuts a long slice into.
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
	return combined(ctx, parts, zero, combine, func(_ *Task, lo, hi int) {
		for p := lo; p < hi; p++ {
			parts[p] = foldEach(zero, part(xs, p, len(parts)), fold)
		}
	})
}

// part returns part p of n, which are of the same length but for one element.
func part[T any](xs []T, p, n int) []T { return xs[cut(len(xs), p, n):cut(len(xs), p+1, n)] }

// cut returns where part p of n begins in what is length long. The product may be more than an int of 32 bits can be.
func cut(length, p, n int) int { return int(uint64(p) * uint64(length) / uint64(n)) }

// foldEach goes on from acc. The calls are written out for the reason given at [batch].
func foldEach[T, A any](acc A, xs []T, fold func(acc A, x T) A) A {
	for len(xs) >= batch {
		x := (*[batch]T)(xs)
		acc = fold(acc, x[0])
		acc = fold(acc, x[1])
		acc = fold(acc, x[2])
		acc = fold(acc, x[3])
		acc = fold(acc, x[4])
		acc = fold(acc, x[5])
		acc = fold(acc, x[6])
		acc = fold(acc, x[7])
		xs = xs[batch:]
	}
	for _, x := range xs {
		acc = fold(acc, x)
	}
	return acc
}

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
