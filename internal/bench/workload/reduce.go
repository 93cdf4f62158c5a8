package workload

import (
	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

var reduce = arrayWorkload("reduce", "the sum of n float64", array{
	pinwheel: func(r *bench.Run, xs []float64) ([]float64, error) {
		add := func(a, b float64) float64 { return a + b }
		sum, err := sched.Reduce(r.Context, xs, 0, add, add)
		return []float64{sum}, err
	},
	goroutines: func(workers int, xs []float64) []float64 {
		sums := make([]float64, workers)
		shares(workers, len(xs), func(i, lo, hi int) { sums[i] = sumOf(xs[lo:hi]) })
		return []float64{sumOf(sums)}
	},
	serial: func(xs []float64) []float64 { return []float64{sumOf(xs)} },
	answer: func(xs []int64) []float64 {
		sum := int64(0)
		for _, x := range xs {
			sum += x
		}
		return []float64{float64(sum)}
	},
})
