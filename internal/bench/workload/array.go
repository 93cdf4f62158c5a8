package workload

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
)

// An array workload goes through n float64, more than the caches hold, with next to nothing to do for each: memory bounds it as
// much as computing. The numbers are whole and small, so that sums are exact in any order, and the answer can be computed with
// integers.
type array struct {
	pinwheel   func(r *bench.Run, xs []float64) ([]float64, error)
	goroutines func(workers int, xs []float64) []float64
	serial     func(xs []float64) []float64
	answer     func(xs []int64) []float64
}

func arrayWorkload(name, doc string, a array) *bench.Workload {
	return &bench.Workload{
		Name: name, Doc: doc,
		Size: "n", Unit: "element", N: "20000000", SuiteN: "5000000", TestN: "20000",
		Prepare: func(p bench.Params) (bench.Build, error) {
			n, err := p.Int(1, 1_000_000_000)
			if err != nil {
				return nil, err
			}
			return bench.Later(func() *bench.Job { return arrayJob(n, p.Seed, a) }), nil
		},
	}
}

func arrayJob(n int, seed uint64, a array) *bench.Job {
	rng := rand.New(rand.NewPCG(seed, 5))
	xs := make([]float64, n)
	want := ""
	{
		whole := make([]int64, n)
		for i := range xs {
			whole[i] = rng.Int64N(1 << 20)
			xs[i] = float64(whole[i])
		}
		want = printOf(a.answer(whole))
	}
	body := func(run func(r *bench.Run) ([]float64, error)) bench.Body {
		return func(r *bench.Run) (string, error) {
			out, err := run(r)
			r.Stop()
			if err != nil {
				return "", err
			}
			return printOf(out), nil
		}
	}
	return &bench.Job{
		Tasks: int64(n),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel:   body(func(r *bench.Run) ([]float64, error) { return a.pinwheel(r, xs) }),
			bench.Goroutines: body(func(r *bench.Run) ([]float64, error) { return a.goroutines(r.Workers, xs), nil }),
			bench.Serial:     body(func(*bench.Run) ([]float64, error) { return a.serial(xs), nil }),
		},
		Verify: bench.Answer(want),
	}
}

// printOf is a hash of the numbers and their order.
func printOf(xs []float64) string {
	h := uint64(len(xs))
	for _, x := range xs {
		h = (h ^ math.Float64bits(x)) * 0x100000001b3
		h ^= h >> 29
	}
	return fmt.Sprintf("%016x", h)
}

// shares divides n among the workers, each a goroutine.
func shares(workers, n int, f func(i, lo, hi int)) {
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { f(i, i*n/workers, (i+1)*n/workers) })
	}
	wg.Wait()
}

func sumOf(xs []float64) (sum float64) {
	for _, x := range xs {
		sum += x
	}
	return sum
}
