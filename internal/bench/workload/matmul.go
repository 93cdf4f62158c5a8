package workload

import (
	"math/rand/v2"
	"sync"

	"go.uber.org/atomic"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// matmul multiplies matrices by halving the longest side until the blocks fit into the first-level cache, whatever its size.
var matmul = &bench.Workload{
	Name: "matmul", Doc: "product of n x n matrices, divide and conquer",
	Size: "n", Unit: "block product", N: "512", TestN: "70",
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 8192)
		if err != nil {
			return nil, err
		}
		return bench.Later(func() *bench.Job { return matmulJob(n, p.Seed) }), nil
	},
}

func matmulJob(n int, seed uint64) *bench.Job {
	rng := rand.New(rand.NewPCG(seed, 1))
	m := product{a: randomMatrix(n, rng), b: randomMatrix(n, rng), c: newMatrix(n, n)}
	check := newFreivalds(m.a, m.b, rng)
	body := func(multiply func(r *bench.Run) error) bench.Body {
		return func(r *bench.Run) (string, error) {
			clear(m.c.data)
			r.Start()
			err := multiply(r)
			r.Stop()
			return check.of(m.c), err
		}
	}
	return &bench.Job{
		Tasks: m.leaves(),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel: body(func(r *bench.Run) error {
				_, err := sched.Run(r.Context, func(t *sched.Task) (struct{}, error) { return productTask(t, m), nil })
				return err
			}),
			bench.Goroutines: body(func(r *bench.Run) error { m.goroutines(r.Workers); return nil }),
			bench.Serial:     body(func(*bench.Run) error { m.serial(); return nil }),
		},
		Verify: bench.Answer(check.want),
	}
}

// A product is the work of adding a*b to c.
type product struct{ c, a, b matrix }

// blockSide is the largest side of a block that is not divided: three of them are 24 KiB.
const blockSide = 32

// halves divides the longest side. The halves are independent of each other if parallel is true; otherwise they add to the
// same c. It returns false for a block.
func (p product) halves() (first, second product, parallel, ok bool) {
	rows, cols, inner := p.c.rows, p.c.cols, p.a.cols
	switch longest := max(rows, cols, inner); {
	case longest <= blockSide:
		return p, p, false, false
	case rows == longest:
		h := rows / 2
		first = product{p.c.part(0, 0, h, cols), p.a.part(0, 0, h, inner), p.b}
		second = product{p.c.part(h, 0, rows-h, cols), p.a.part(h, 0, rows-h, inner), p.b}
		return first, second, true, true
	case cols == longest:
		h := cols / 2
		first = product{p.c.part(0, 0, rows, h), p.a, p.b.part(0, 0, inner, h)}
		second = product{p.c.part(0, h, rows, cols-h), p.a, p.b.part(0, h, inner, cols-h)}
		return first, second, true, true
	}
	h := inner / 2
	first = product{p.c, p.a.part(0, 0, rows, h), p.b.part(0, 0, h, cols)}
	second = product{p.c, p.a.part(0, h, rows, inner-h), p.b.part(h, 0, inner-h, cols)}
	return first, second, false, true
}

var products = sched.NewFork[product, struct{}]()

func productTask(t *sched.Task, p product) struct{} {
	first, second, parallel, ok := p.halves()
	switch {
	case !ok:
		addProduct(p.c, p.a, p.b)
	case parallel:
		f := products.Fork(t, productTask, first)
		productTask(t, second)
		f.Join(t)
	default:
		productTask(t, first)
		productTask(t, second)
	}
	return struct{}{}
}

// goroutines divides the result into tiles, which the workers take from a counter.
func (p product) goroutines(workers int) {
	const side = 4 * blockSide
	across, down := (p.c.cols+side-1)/side, (p.c.rows+side-1)/side
	var (
		wg   sync.WaitGroup
		next atomic.Int64
	)
	for range workers {
		wg.Go(func() {
			for {
				tile := int(next.Inc()) - 1
				if tile >= across*down {
					return
				}
				i, j := tile/across*side, tile%across*side
				rows, cols := min(side, p.c.rows-i), min(side, p.c.cols-j)
				product{
					c: p.c.part(i, j, rows, cols),
					a: p.a.part(i, 0, rows, p.a.cols),
					b: p.b.part(0, j, p.b.rows, cols),
				}.serial()
			}
		})
	}
	wg.Wait()
}

func (p product) serial() {
	first, second, _, ok := p.halves()
	if !ok {
		addProduct(p.c, p.a, p.b)
		return
	}
	first.serial()
	second.serial()
}

func (p product) leaves() int64 {
	first, second, _, ok := p.halves()
	if !ok {
		return 1
	}
	return first.leaves() + second.leaves()
}
