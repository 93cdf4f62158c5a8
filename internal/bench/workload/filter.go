package workload

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/sched"
)

// filter keeps one element in two, in no pattern.
var filter = arrayWorkload("filter", "those of n random float64 that are below the middle, in order", array{
	apis: []arrayAPI{
		{"Filter", false, func(ctx context.Context, xs, _ []float64) ([]float64, error) {
			return sched.Filter(ctx, xs, isLow)
		}},
	},
	goroutines: func(workers int, xs, _ []float64) []float64 {
		parts := make([][]float64, workers)
		shares(workers, len(xs), func(i, lo, hi int) { parts[i] = lowOnes(xs[lo:hi]) })
		total := 0
		for _, p := range parts {
			total += len(p)
		}
		out := make([]float64, 0, total)
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	},
	serial: func(xs, _ []float64) []float64 { return lowOnes(xs) },
	answer: func(xs []int64) (out []float64) {
		for _, x := range xs {
			if x>>19 == 0 {
				out = append(out, float64(x))
			}
		}
		return out
	},
	probe: func(xs, out []float64) { moveProbe(xs, out[:len(out)/2]); readProbe(xs[len(xs)/2:], nil) },
})

func isLow(x float64) bool { return x < 1<<19 }

func lowOnes(xs []float64) (out []float64) {
	for _, x := range xs {
		if isLow(x) {
			out = append(out, x)
		}
	}
	return out
}
