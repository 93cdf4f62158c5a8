package workload

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
)

// A matrix is a rectangle of numbers, in rows that lie stride apart. The matrices of the workloads hold whole numbers, small
// enough that every sum and product is exact, in whatever order it is computed.
type matrix struct {
	data               []float64
	rows, cols, stride int
}

func newMatrix(rows, cols int) matrix {
	return matrix{data: make([]float64, rows*cols), rows: rows, cols: cols, stride: cols}
}

func randomMatrix(n int, rng *rand.Rand) matrix {
	m := newMatrix(n, n)
	for i := range m.data {
		m.data[i] = float64(rng.IntN(8))
	}
	return m
}

func (m matrix) row(i int) []float64 { return m.data[i*m.stride:][:m.cols] }

// part returns the rectangle of the given size at row i and column j, which shares m's numbers.
func (m matrix) part(i, j, rows, cols int) matrix {
	return matrix{data: m.data[i*m.stride+j:], rows: rows, cols: cols, stride: m.stride}
}

// addProduct adds a*b to c.
func addProduct(c, a, b matrix) {
	for i := range c.rows {
		ci, ai := c.row(i), a.row(i)
		for k, x := range ai {
			bk := b.row(k)[:len(ci)]
			for j := range ci {
				ci[j] += x * bk[j]
			}
		}
	}
}

// times returns the product with a vector.
func (m matrix) times(x []float64) []float64 {
	y := make([]float64, m.rows)
	for i := range y {
		for j, v := range m.row(i) {
			y[i] += v * x[j]
		}
	}
	return y
}

// A freivalds check tells whether c is a*b in time n^2: it multiplies both by a random vector (Freivalds 1977). A wrong
// product passes with a probability of at most the reciprocal of the number of values that an element of the vector can
// have.
type freivalds struct {
	vector []float64
	want   string
}

func newFreivalds(a, b matrix, rng *rand.Rand) *freivalds {
	f := &freivalds{vector: make([]float64, b.cols)}
	for i := range f.vector {
		f.vector[i] = float64(rng.IntN(1 << 10))
	}
	f.want = fingerprint(a.times(b.times(f.vector)))
	return f
}

// of returns the fingerprint of c, which is f.want if c is the product.
func (f *freivalds) of(c matrix) string { return fingerprint(c.times(f.vector)) }

func fingerprint(x []float64) string {
	h := fnv.New64a()
	fmt.Fprint(h, x)
	return fmt.Sprintf("%016x", h.Sum64())
}
