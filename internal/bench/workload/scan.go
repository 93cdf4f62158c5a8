package workload

import (
	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// scan has to add twice as often on two workers as on one: each begins with sums that the other makes.
var scan = arrayWorkload("scan", "the prefix sums of n float64", array{
	pinwheel: func(r *bench.Run, xs []float64) ([]float64, error) {
		return sched.Scan(r.Context, xs, func(a, b float64) float64 { return a + b })
	},
	goroutines: func(workers int, xs []float64) []float64 {
		out, sums := make([]float64, len(xs)), make([]float64, workers)
		shares(workers, len(xs), func(i, lo, hi int) { sums[i] = sumOf(xs[lo:hi]) })
		shares(workers, len(xs), func(i, lo, hi int) { prefixSums(xs[lo:hi], out[lo:hi], sumOf(sums[:i])) })
		return out
	},
	serial: func(xs []float64) []float64 {
		out := make([]float64, len(xs))
		prefixSums(xs, out, 0)
		return out
	},
	answer: func(xs []int64) []float64 {
		out, sum := make([]float64, len(xs)), int64(0)
		for i, x := range xs {
			sum += x
			out[i] = float64(sum)
		}
		return out
	},
})

func prefixSums(xs, out []float64, sum float64) {
	for i, x := range xs {
		sum += x
		out[i] = sum
	}
}
