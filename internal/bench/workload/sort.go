package workload

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// sorted is the library's sort beside the standard one. (quicksort and mergesort compare the runtimes by the same algorithm.)
var sorted = &bench.Workload{
	Name: "sort", Doc: "sched.Sort beside slices.Sort, on n random keys",
	Size: "n", Unit: "element", N: "2000000", SuiteN: "300000", TestN: "5000",
	Options: []bench.Option{{Name: "keys", Doc: "ints or strings", Default: "ints,strings", Many: true}},
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 100_000_000)
		if err != nil {
			return nil, err
		}
		rng := rand.New(rand.NewPCG(p.Seed, 7))
		switch keys := p.Options["keys"]; keys {
		case "ints":
			return bench.Later(func() *bench.Job { return sortedJob(n, rng.Int, strconv.Itoa) }), nil
		case "strings":
			key := func() string { return strconv.Itoa(rng.Int()) }
			return bench.Later(func() *bench.Job { return sortedJob(n, key, func(s string) string { return s }) }), nil
		default:
			return nil, fmt.Errorf("--keys %q: want ints or strings", keys)
		}
	},
}

func sortedJob[E cmp.Ordered](n int, key func() E, text func(E) string) *bench.Job {
	input := make([]E, n)
	for i := range input {
		input[i] = key()
	}
	xs := slices.Clone(input)
	slices.SortFunc(xs, cmp.Compare[E])
	hash := func() string {
		h := fnv.New64a()
		for _, x := range xs {
			h.Write([]byte(text(x)))
		}
		return fmt.Sprintf("%016x", h.Sum64())
	}
	want := hash()
	body := func(sort func(r *bench.Run) error) bench.Body {
		return func(r *bench.Run) (string, error) {
			copy(xs, input)
			r.Start()
			err := sort(r)
			r.Stop()
			return hash(), err
		}
	}
	return &bench.Job{
		Tasks: int64(n),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel:   body(func(r *bench.Run) error { return sched.Sort(r.Context, xs) }),
			bench.Goroutines: body(func(r *bench.Run) error { sortShares(xs, r.Workers); return nil }),
			bench.Serial:     body(func(*bench.Run) error { slices.Sort(xs); return nil }),
		},
		Verify: bench.Answer(want),
	}
}

// sortShares sorts a share for each goroutine and merges the shares by pairs.
func sortShares[E cmp.Ordered](xs []E, workers int) {
	if workers == 1 || len(xs) < 1000 {
		slices.Sort(xs)
		return
	}
	mid := len(xs) / 2
	both(
		func() { sortShares(xs[:mid], workers/2) },
		func() { sortShares(xs[mid:], workers-workers/2) })
	left, right := slices.Clone(xs[:mid]), xs[mid:]
	for i := range xs {
		switch {
		case len(left) == 0:
			return // the rest is there
		case len(right) == 0 || left[0] <= right[0]:
			xs[i], left = left[0], left[1:]
		default:
			xs[i], right = right[0], right[1:]
		}
	}
}
