package workload

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/sched"
)

var reduce = arrayWorkload("reduce", "the sum of n float64", array{
	apis: []arrayAPI{
		{"Sum", false, func(ctx context.Context, xs, _ []float64) ([]float64, error) {
			sum, err := sched.Sum(ctx, xs)
			return []float64{sum}, err
		}},
		{"ReduceSpans", false, func(ctx context.Context, xs, _ []float64) ([]float64, error) {
			sum, err := sched.ReduceSpans(ctx, xs, 0, sumOf, add)
			return []float64{sum}, err
		}},
		{"Reduce", false, func(ctx context.Context, xs, _ []float64) ([]float64, error) {
			sum, err := sched.Reduce(ctx, xs, 0, add, add)
			return []float64{sum}, err
		}},
	},
	goroutines: func(workers int, xs, _ []float64) []float64 {
		sums := make([]float64, workers)
		shares(workers, len(xs), func(i, lo, hi int) { sums[i] = sumOf(xs[lo:hi]) })
		return []float64{sumOf(sums)}
	},
	serial: func(xs, _ []float64) []float64 { return []float64{sumOf(xs)} },
	answer: func(xs []int64) []float64 {
		sum := int64(0)
		for _, x := range xs {
			sum += x
		}
		return []float64{float64(sum)}
	},
	probe: readProbe,
})

func add(a, b float64) float64 { return a + b }
