package workload

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
)

// An array workload goes through n float64, more than the caches hold, with next to nothing to do for each: memory bounds it as
// much as computing. The numbers are whole and small, so that sums are exact in any order, and the answer can be computed with
// integers.
//
// So that a speed-up can be told from a limit of the machine, each run on pinwheel is followed by a probe: goroutines, one for each
// worker, that move the same bytes and compute as little as can be. The metric limit_speedup is the speed-up of the probe over the
// serial code, which no number of workers can beat.
type array struct {
	apis       []arrayAPI
	goroutines func(workers int, xs, out []float64) []float64
	serial     func(xs, out []float64) []float64
	answer     func(xs []int64) []float64
	probe      func(xs, out []float64) // out is nil if apis allocate
}

// An arrayAPI is a function of package sched that does it. If it fills a slice that it is given, the other runtimes do as well;
// otherwise they get a nil one, and make it.
type arrayAPI struct {
	name  string
	fills bool
	run   func(ctx context.Context, xs, out []float64) ([]float64, error)
}

func arrayWorkload(name, doc string, a array) *bench.Workload {
	var names []string
	for _, api := range a.apis {
		names = append(names, api.name)
	}
	all := strings.Join(names, ",")
	return &bench.Workload{
		Name: name, Doc: doc,
		Size: "n", Unit: "element", N: "20000000", SuiteN: "3000000", TestN: "20000",
		Options: []bench.Option{{Name: "api", Doc: "function of package sched: " + all, Default: all, Many: true}},
		Prepare: func(p bench.Params) (bench.Build, error) {
			n, err := p.Int(1, 1_000_000_000)
			if err != nil {
				return nil, err
			}
			i := slices.Index(names, p.Options["api"])
			if i < 0 {
				return nil, fmt.Errorf("--api %q: want one of %s", p.Options["api"], all)
			}
			return bench.Later(func() *bench.Job { return arrayJob(n, p.Seed, a, a.apis[i]) }), nil
		},
	}
}

func arrayJob(n int, seed uint64, a array, api arrayAPI) *bench.Job {
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
	var into, probed []float64
	if api.fills {
		into = make([]float64, n)
		clear(into) // by writing it, so that it is there
		probed = into
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
			bench.Pinwheel: body(func(r *bench.Run) ([]float64, error) {
				out, err := api.run(r.Context, xs, into)
				r.Stop()
				return out, err
			}),
			bench.Goroutines: body(func(r *bench.Run) ([]float64, error) { return a.goroutines(r.Workers, xs, into), nil }),
			bench.Serial:     body(func(*bench.Run) ([]float64, error) { return a.serial(xs, into), nil }),
		},
		Probe: func(workers int) {
			if probed == nil {
				probed = make([]float64, n)
			}
			shares(workers, n, func(_, lo, hi int) { a.probe(xs[lo:hi], probed[lo:hi]) })
		},
		Verify: bench.Answer(want),
	}
}

// ready returns a slice of the length of xs: out, unless it is nil.
func ready(xs, out []float64) []float64 {
	if out == nil {
		out = make([]float64, len(xs))
	}
	return out
}

// readProbe reads, into eight sums, of which none has to wait for the other.
func readProbe(xs, _ []float64) {
	var a, b, c, d, e, f, g, h float64
	for len(xs) >= 8 {
		x := (*[8]float64)(xs)
		a, b, c, d = a+x[0], b+x[1], c+x[2], d+x[3]
		e, f, g, h = e+x[4], f+x[5], g+x[6], h+x[7]
		xs = xs[8:]
	}
	if a+b+c+d+e+f+g+h < 0 {
		panic("numbers are not negative")
	}
}

// moveProbe reads and writes as loops do, past no cache.
func moveProbe(xs, out []float64) {
	for len(xs) >= 8 && len(out) >= 8 {
		*(*[8]float64)(out) = *(*[8]float64)(xs)
		xs, out = xs[8:], out[8:]
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
