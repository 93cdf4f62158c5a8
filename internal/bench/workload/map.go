package workload

import (
	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

var mapping = arrayWorkload("map", "3x + 1 of n float64", array{
	pinwheel: func(r *bench.Run, xs []float64) ([]float64, error) {
		return sched.Map(r.Context, xs, func(_ *sched.Task, x float64) (float64, error) { return 3*x + 1, nil })
	},
	goroutines: func(workers int, xs []float64) []float64 {
		out := make([]float64, len(xs))
		shares(workers, len(xs), func(_, lo, hi int) { mapSerial(xs[lo:hi], out[lo:hi]) })
		return out
	},
	serial: func(xs []float64) []float64 {
		out := make([]float64, len(xs))
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
})

func mapSerial(xs, out []float64) {
	for i, x := range xs {
		out[i] = 3*x + 1
	}
}
