package workload

import (
	"sync"
	"time"

	"go.uber.org/atomic"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// forItems is a loop whose items are large enough to be worth a loop and too small to be worth a task each. With n = 1000 it
// asks where a parallel loop begins to pay.
var forItems = &bench.Workload{
	Name: "for", Doc: "n items of about 1 us each",
	Size: "n", Unit: "item", N: "10000", TestN: "300",
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 100_000_000)
		if err != nil {
			return nil, err
		}
		return bench.Later(func() *bench.Job { return forJob(n) }), nil
	},
}

func forJob(n int) *bench.Job {
	steps := bench.SpinSteps(time.Microsecond)
	sums := make([]uint64, n)
	return loopJob(n, bench.SpinSum(uint64(n), steps),
		func() { clear(sums) },
		func(i int) { sums[i] += bench.Spin(uint64(i), steps) },
		func() (sum uint64) {
			for _, x := range sums {
				sum += x
			}
			return sum
		})
}

// loop has nothing to do for an item but to leave a mark, which shows that each has been run and none twice.
var loop = &bench.Workload{
	Name: "loop", Doc: "n items of nothing: the cost of the loop machinery",
	Size: "n", Unit: "item", N: "10000000", TestN: "100000",
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 1_000_000_000)
		if err != nil {
			return nil, err
		}
		return bench.Later(func() *bench.Job { return marksJob(n) }), nil
	},
}

func marksJob(n int) *bench.Job {
	marks := make([]uint8, n)
	return loopJob(n, uint64(n),
		func() { clear(marks) },
		func(i int) { marks[i]++ },
		func() (once uint64) {
			for _, m := range marks {
				if m == 1 {
					once++
				}
			}
			return once
		})
}

// loopJob runs item for 0 to n-1. Each run begins with reset, and at its end sum has to return want.
func loopJob(n int, want uint64, reset func(), item func(i int), sum func() uint64) *bench.Job {
	body := func(loop func(r *bench.Run) error) bench.Body {
		return func(r *bench.Run) (string, error) {
			reset()
			r.Start()
			err := loop(r)
			r.Stop()
			return decimal(sum()), err
		}
	}
	return &bench.Job{
		Tasks: int64(n),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel:   body(func(r *bench.Run) error { return sched.For(r.Context, n, item) }),
			bench.Goroutines: body(func(r *bench.Run) error { chunks(n, r.Workers, item); return nil }),
			bench.Serial: body(func(*bench.Run) error {
				for i := range n {
					item(i)
				}
				return nil
			}),
		},
		Verify: bench.Answer(decimal(want)),
	}
}

// chunks is the parallel loop of a good Go programmer: the workers, of which the caller is one, take chunks from a counter,
// some for each worker so that none waits long for the last.
func chunks(n, workers int, item func(i int)) {
	var (
		wg    sync.WaitGroup
		next  atomic.Int64
		chunk = max(n/(16*workers), 1)
	)
	work := func() {
		for {
			hi := int(next.Add(int64(chunk)))
			lo := hi - chunk
			if lo >= n {
				return
			}
			for i := lo; i < min(hi, n); i++ {
				item(i)
			}
		}
	}
	for range workers - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}
