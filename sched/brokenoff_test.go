package sched

import (
	"context"
	"slices"
	"testing"

	"go.uber.org/atomic"
)

// sortBrokenOff sorts a permutation of [1, n], and calls off at the given call of the comparison.
func sortBrokenOff(ctx context.Context, at int64, off func(), sort func(ctx context.Context, xs []int, compare func(a, b int) int) error) (xs []int) {
	const n = 15_000
	var calls atomic.Int64
	xs = make([]int, n)
	for i := range xs {
		xs[i] = 1 + i*7919%n
	}
	defer func() { _ = recover() }()
	_ = sort(ctx, xs, func(a, b int) int {
		if calls.Inc() == at {
			off()
		}
		return a - b
	})
	return xs
}

// A sort that does not come to its end, by its context or a panic, leaves nothing in the slice that was not in it, and SortFunc loses
// nothing either.
func TestASortThatIsBrokenOff(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(4))
	defer s.Close()
	for round := range int64(5) {
		at := 20_000 + round*45_000
		for _, stable := range []bool{false, true} {
			for _, panics := range []bool{false, true} {
				ctx, cancel := context.WithCancel(ctx)
				off, sort := cancel, SortFunc[int]
				if panics {
					off = func() { panic("off") }
				}
				if stable {
					sort = SortStableFunc[int]
				}
				xs := sortBrokenOff(ctx, at, off, sort)
				cancel()
				slices.Sort(xs)
				for i, x := range xs {
					if x < 1 || x > len(xs) || !stable && x != i+1 {
						t.Fatalf("stable %v, panics %v, at call %d: element %d of those sorted is %d", stable, panics, at, i, x)
					}
				}
			}
		}
	}
}
