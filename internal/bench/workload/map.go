package workload

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/sched"
)

var mapping = arrayWorkload("map", "3x + 1 of n float64", array{
	apis: []arrayAPI{
		{"MapSpans", true, func(ctx context.Context, xs, out []float64) ([]float64, error) {
			return out, sched.MapSpans(ctx, out, xs, func(out, xs []float64) { mapSerial(xs, out) })
		}},
		{"Map", false, func(ctx context.Context, xs, _ []float64) ([]float64, error) {
			return sched.Map(ctx, xs, func(_ *sched.Task, x float64) (float64, error) { return 3*x + 1, nil })
		}},
	},
	goroutines: func(workers int, xs, out []float64) []float64 {
		out = ready(xs, out)
		shares(workers, len(xs), func(_, lo, hi int) { mapSerial(xs[lo:hi], out[lo:hi]) })
		return out
	},
	serial: func(xs, out []float64) []float64 {
		out = ready(xs, out)
		mapSerial(xs, out)
		return out
	},
	answer: func(xs []int64) []float64 {
		out := make([]float64, len(xs))
		for i, x := range xs {
			out[i] = float64(3*x + 1)
		}
		return out
	},
	probe: moveProbe,
})

func mapSerial(xs, out []float64) {
	out = out[:len(xs)]
	for i, x := range xs {
		out[i] = 3*x + 1
	}
}
