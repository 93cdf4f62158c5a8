package sched

import (
	"context"
	"math/bits"
)

// Filter returns the elements of xs for which keep is true, in order. It calls keep once for each element. Errors and panics are
// those of [For]. It allocates the result, and a bit for each element.
func Filter[T any](ctx context.Context, xs []T, keep func(x T) bool) ([]T, error) {
	if keep == nil {
		panic("pinwheel: Filter with a nil function")
	}
	// Parts are whole words of bits, so that no two tasks write to one.
	words := (len(xs) + 63) / 64
	parts := min((words+filterLeast-1)/filterLeast, reduceLeaves)
	kept, ends := make([]uint64, words), make([]int, parts)
	err := ForRange(ctx, parts, func(_ *Task, lo, hi int) {
		for p := lo; p < hi; p++ {
			for w := cut(words, p, parts); w < cut(words, p+1, parts); w++ {
				bit, mask := uint64(1), uint64(0)
				for _, x := range xs[w*64 : min(w*64+64, len(xs))] {
					if keep(x) {
						mask |= bit
					}
					bit <<= 1
				}
				kept[w] = mask
				ends[p] += bits.OnesCount64(mask)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	total := 0
	for p, n := range ends {
		total += n
		ends[p] = total
	}
	out := uncleared[T](total)
	err = ForRange(ctx, parts, func(_ *Task, lo, hi int) {
		next := 0
		if lo > 0 {
			next = ends[lo-1]
		}
		for w := cut(words, lo, parts); w < cut(words, hi, parts); w++ {
			from := xs[w*64:]
			for mask := kept[w]; mask != 0; mask &= mask - 1 {
				out[next] = from[bits.TrailingZeros64(mask)]
				next++
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// filterLeast is how many words of bits a part of Filter has, if it does not need more than reduceLeaves of them.
const filterLeast = 16

// Partition puts those elements of xs first for which first is true, and returns how many they are. It does not keep the order
// of elements, and allocates nothing for them. It calls first once or twice for each. Errors and panics are those of [For];
// after one, xs has the same elements in some order.
func Partition[T any](ctx context.Context, xs []T, first func(x T) bool) (int, error) {
	if first == nil {
		panic("pinwheel: Partition with a nil function")
	}
	_, n, err := divide(ctx, func(j *joint) (*partitioning[T], portion) {
		return &partitioning[T]{j, xs, func(xs []T) int { return partitionBy(xs, first) }}, portion{hi: len(xs)}
	})
	return n, err
}

func partitionBy[T any](xs []T, first func(x T) bool) int {
	n := 0
	for i, x := range xs {
		if first(x) {
			xs[i], xs[n] = xs[n], x
			n++
		}
	}
	return n
}
