package workload

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
)

// insertionUpTo is the length up to which both sorts use insertion: a property of the algorithm, not of the machine.
const insertionUpTo = 24

func insertionSort(a []int) {
	for i := 1; i < len(a); i++ {
		x, j := a[i], i
		for ; j > 0 && a[j-1] > x; j-- {
			a[j] = a[j-1]
		}
		a[j] = x
	}
}

// A sorter sorts a, for which it may use as many elements of space.
type sorter func(r *bench.Run, a, space []int) error

// sortJob is the Prepare of a sort of n random numbers. The answer is a hash of the numbers in their order; the standard
// library says what it has to be.
func sortJob(sorters map[bench.Runtime]sorter) func(bench.Params) (bench.Build, error) {
	return func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 100_000_000)
		if err != nil {
			return nil, err
		}
		return bench.Later(func() *bench.Job { return sortingJob(n, p.Seed, sorters) }), nil
	}
}

func sortingJob(n int, seed uint64, sorters map[bench.Runtime]sorter) *bench.Job {
	rng := rand.New(rand.NewPCG(seed, 3))
	input := make([]int, n)
	for i := range input {
		input[i] = rng.Int()
	}
	a, space := slices.Clone(input), make([]int, n)
	slices.Sort(a)
	want := hashOf(a)

	bodies := map[bench.Runtime]bench.Body{}
	for rt, sort := range sorters {
		bodies[rt] = func(r *bench.Run) (string, error) {
			copy(a, input)
			r.Start()
			err := sort(r, a, space)
			r.Stop()
			return hashOf(a), err
		}
	}
	return &bench.Job{Tasks: int64(n), Bodies: bodies, Verify: bench.Answer(want)}
}

func hashOf(a []int) string {
	h := uint64(len(a))
	for _, x := range a {
		h = (h ^ uint64(x)) * 0x100000001b3 // FNV-1a, a word at a time
		h ^= h >> 29
	}
	return fmt.Sprintf("%016x", h)
}
