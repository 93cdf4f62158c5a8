package workload

import (
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"sync"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// strassen multiplies matrices by seven products of half the size, each of which is a task. Strassen 1969.
var strassen = &bench.Workload{
	Name: "strassen", Doc: "product of n x n matrices by Strassen's method",
	Size: "n, a power of two", Unit: "block product", N: "512", TestN: "128",
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 8192)
		if err == nil && n&(n-1) != 0 {
			err = fmt.Errorf("--n %q: want a power of two", p.N)
		}
		if err != nil {
			return nil, err
		}
		return bench.Later(func() *bench.Job { return strassenJob(n, p.Seed) }), nil
	},
}

func strassenJob(n int, seed uint64) *bench.Job {
	rng := rand.New(rand.NewPCG(seed, 2))
	m := product{a: randomMatrix(n, rng), b: randomMatrix(n, rng), c: newMatrix(n, n)}
	check := newFreivalds(m.a, m.b, rng)
	body := func(multiply func(r *bench.Run) error) bench.Body {
		return func(r *bench.Run) (string, error) {
			err := multiply(r)
			r.Stop()
			return check.of(m.c), err
		}
	}
	leaves := int64(1)
	for range bits.Len(uint(n / (strassenSide + 1))) {
		leaves *= 7
	}
	return &bench.Job{
		Tasks: leaves,
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel: body(func(r *bench.Run) error {
				_, err := sched.Run(r.Context, func(t *sched.Task) (struct{}, error) { return struct{}{}, strassenTask(t, m) })
				return err
			}),
			bench.Goroutines: body(func(*bench.Run) error { strassenGoroutines(m, 2); return nil }),
			bench.Serial:     body(func(*bench.Run) error { strassenSerial(m); return nil }),
		},
		Verify: bench.Answer(check.want),
	}
}

// strassenSide is the largest side that is multiplied in the ordinary way.
const strassenSide = 64

// A factor is x, or the sum of x and y, or their difference. The sum is computed, into space, by whoever multiplies by it.
type factor struct {
	x     matrix
	sign  float64 // of y; 0 if the factor is x alone
	y     matrix
	space matrix
}

func (f *factor) value() matrix {
	if f.sign == 0 {
		return f.x
	}
	for i := range f.x.rows {
		s, x, y := f.space.row(i), f.x.row(i), f.y.row(i)
		for j := range s {
			s[j] = x[j] + f.sign*y[j]
		}
	}
	return f.space
}

// A subproduct is one of the seven products that make a product of twice the size.
type subproduct struct {
	c    matrix
	a, b factor
}

func (s *subproduct) product() product { return product{c: s.c, a: s.a.value(), b: s.b.value()} }

// A division is a product on its way: seven products of half the size, and the memory for their results and for the ten sums
// that they are products of.
type division struct {
	product
	seven [7]subproduct
	space []float64
}

// divisions has the divisions that are not in use, by the logarithm of their side. They are used again because memory that is new
// to the process costs more than the sums do, and its return to the kernel as much again.
var divisions [bits.UintSize]sync.Pool

// divide returns the seven products. They are the caller's until it calls combine and release.
func (p product) divide() *division {
	h := p.c.rows / 2
	d, ok := divisions[bits.Len(uint(h))].Get().(*division)
	if !ok {
		d = &division{space: make([]float64, 17*h*h)}
	}
	quarter := func(m matrix, i, j int) matrix { return m.part(i*h, j*h, h, h) }
	a11, a12, a21, a22 := quarter(p.a, 0, 0), quarter(p.a, 0, 1), quarter(p.a, 1, 0), quarter(p.a, 1, 1)
	b11, b12, b21, b22 := quarter(p.b, 0, 0), quarter(p.b, 0, 1), quarter(p.b, 1, 0), quarter(p.b, 1, 1)

	space := d.space
	fresh := func() matrix {
		m := matrix{data: space[: h*h : h*h], rows: h, cols: h, stride: h}
		space = space[h*h:]
		return m
	}
	just := func(x matrix) factor { return factor{x: x} }
	sum := func(x matrix, sign float64, y matrix) factor { return factor{x, sign, y, fresh()} }
	d.product = p
	d.seven = [7]subproduct{
		{fresh(), sum(a11, +1, a22), sum(b11, +1, b22)},
		{fresh(), sum(a21, +1, a22), just(b11)},
		{fresh(), just(a11), sum(b12, -1, b22)},
		{fresh(), just(a22), sum(b21, -1, b11)},
		{fresh(), sum(a11, +1, a12), just(b22)},
		{fresh(), sum(a21, -1, a11), sum(b11, +1, b12)},
		{fresh(), sum(a12, -1, a22), sum(b21, +1, b22)},
	}
	return d
}

// release gives the memory back.
func (d *division) release() {
	side := d.c.rows / 2
	d.product, d.seven = product{}, [7]subproduct{}
	divisions[bits.Len(uint(side))].Put(d)
}

// combine computes the rows [lo, hi) of each half of c from the seven products.
func (d *division) combine(lo, hi int) {
	c, seven := d.c, &d.seven
	h := c.rows / 2
	for i := lo; i < hi; i++ {
		c11, c12 := c.row(i)[:h], c.row(i)[h:][:h]
		c21, c22 := c.row(h + i)[:h], c.row(h + i)[h:][:h]
		m1, m2, m3, m4 := seven[0].c.row(i), seven[1].c.row(i), seven[2].c.row(i), seven[3].c.row(i)
		m5, m6, m7 := seven[4].c.row(i), seven[5].c.row(i), seven[6].c.row(i)
		for j := range h {
			c11[j] = m1[j] + m4[j] - m5[j] + m7[j]
			c12[j] = m3[j] + m5[j]
			c21[j] = m2[j] + m4[j]
			c22[j] = m1[j] - m2[j] + m3[j] + m6[j]
		}
	}
}

// block multiplies in the ordinary way what is small enough, and returns false for what is not.
func (p product) block() bool {
	if p.c.rows > strassenSide {
		return false
	}
	for i := range p.c.rows {
		clear(p.c.row(i))
	}
	addProduct(p.c, p.a, p.b)
	return true
}

var strassens = sched.NewFork[*subproduct, error]()

func strassenSub(t *sched.Task, s *subproduct) error { return strassenTask(t, s.product()) }

func strassenTask(t *sched.Task, p product) error {
	if p.block() {
		return nil
	}
	d := p.divide()
	if err := strassenEach(t, d.seven[:]); err != nil {
		return err
	}
	defer d.release()
	return sched.ForRange(t, p.c.rows/2, func(_ *sched.Task, lo, hi int) { d.combine(lo, hi) })
}

// strassenEach forks all products but the last.
func strassenEach(t *sched.Task, ps []subproduct) error {
	if len(ps) == 1 {
		return strassenSub(t, &ps[0])
	}
	f := strassens.Fork(t, strassenSub, &ps[0])
	err := strassenEach(t, ps[1:])
	return errors.Join(f.Join(t), err)
}

// strassenGoroutines starts a goroutine for each product of the first levels, which makes dozens of equal size.
func strassenGoroutines(p product, levels int) {
	if levels == 0 {
		strassenSerial(p)
		return
	}
	if p.block() {
		return
	}
	d := p.divide()
	defer d.release()
	var wg sync.WaitGroup
	for i := range d.seven {
		wg.Go(func() { strassenGoroutines(d.seven[i].product(), levels-1) })
	}
	wg.Wait()
	d.combine(0, p.c.rows/2)
}

func strassenSerial(p product) {
	if p.block() {
		return
	}
	d := p.divide()
	defer d.release()
	for i := range d.seven {
		strassenSerial(d.seven[i].product())
	}
	d.combine(0, p.c.rows/2)
}
