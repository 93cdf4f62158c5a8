package workload

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/sched"
)

// scan has to add twice as often on two workers as on one: each begins with sums that the other makes.
var scan = arrayWorkload("scan", "the prefix sums of n float64", array{
	apis: []arrayAPI{
		{"PrefixSum", true, func(ctx context.Context, xs, out []float64) ([]float64, error) {
			return out, sched.PrefixSum(ctx, out, xs)
		}},
		{"Scan", false, func(ctx context.Context, xs, _ []float64) ([]float64, error) {
			return sched.Scan(ctx, xs, func(a, b float64) float64 { return a + b })
		}},
	},
	goroutines: func(workers int, xs, out []float64) []float64 {
		out, sums := ready(xs, out), make([]float64, workers)
		shares(workers, len(xs), func(i, lo, hi int) { sums[i] = sumOf(xs[lo:hi]) })
		shares(workers, len(xs), func(i, lo, hi int) { prefixSums(xs[lo:hi], out[lo:hi], sumOf(sums[:i])) })
		return out
	},
	serial: func(xs, out []float64) []float64 {
		out = ready(xs, out)
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
	probe: moveProbe,
})

func prefixSums(xs, out []float64, sum float64) {
	out = out[:len(xs)]
	for i, x := range xs {
		sum += x
		out[i] = sum
	}
}
