package workload

import (
	"fmt"
	"sync"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// stream sends n numbers through a stage that computes for a while with each, and adds up what comes out.
var stream = &bench.Workload{
	Name: "stream", Doc: "n items through a stage that takes some time for each, results to one consumer",
	Size: "n", Unit: "item", N: "100000", SuiteN: "50000", TestN: "300",
	Options: []bench.Option{
		{Name: "item", Doc: "time of an item: 0, 1us, 10us, 1ms", Default: "1us", Many: true},
		{Name: "mode", Doc: "ordered, unordered, keyed (64 keys), or slow: ordered, one item takes 1,000 times as long", Default: "ordered", Many: true},
	},
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 100_000_000)
		if err != nil {
			return nil, err
		}
		item, err := time.ParseDuration(p.Options["item"])
		if err != nil || item < 0 || item > 10*time.Millisecond {
			return nil, fmt.Errorf("--item %q: want a duration from 0 to 10ms", p.Options["item"])
		}
		if _, ok := streamModes[p.Options["mode"]]; !ok {
			return nil, fmt.Errorf("--mode %q: want ordered, unordered, keyed or slow", p.Options["mode"])
		}
		return bench.Later(func() *bench.Job { return streamJob(n, item, p.Options["mode"]) }), nil
	},
}

var streamModes = map[string][]sched.StreamOption{
	"ordered":   nil,
	"unordered": {sched.Unordered()},
	"keyed":     {sched.Keyed(func(x int) int { return x % streamKeys })},
	"slow":      nil,
}

const streamKeys = 64

// A sample of a stream's results that shows whether they come in order: each is worth its value times its place.
type tally struct {
	sum   uint64
	n     uint64
	order bool
}

func (t *tally) add(y uint64) {
	if t.n++; t.order {
		y *= t.n
	}
	t.sum += y
}

func streamJob(n int, item time.Duration, mode string) *bench.Job {
	steps := 0
	if item > 0 {
		steps = bench.SpinSteps(item)
	}
	work := func(x int) uint64 {
		if mode == "slow" && x == n/2 {
			return bench.Spin(uint64(x), 1000*steps)
		}
		return bench.Spin(uint64(x), steps)
	}
	source := func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
	order := mode == "ordered" || mode == "slow"
	known := tally{order: order}
	if order {
		for i := range n { // by the closed form for one number, which is no loop over the steps
			steps := steps
			if mode == "slow" && i == n/2 {
				steps *= 1000
			}
			known.add(bench.SpinSum(uint64(i)+1, steps) - bench.SpinSum(uint64(i), steps))
		}
	} else {
		known.sum = bench.SpinSum(uint64(n), steps)
	}
	body := func(run func(r *bench.Run, t *tally) error) bench.Body {
		return func(r *bench.Run) (string, error) {
			t := tally{order: order}
			err := run(r, &t)
			r.Stop()
			return decimal(t.sum), err
		}
	}
	return &bench.Job{
		Tasks: int64(n),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel: body(func(r *bench.Run, t *tally) error {
				fn := func(_ *sched.Task, x int) (uint64, error) { return work(x), nil }
				for y, err := range sched.Stream(r.Context, source, fn, streamModes[mode]...) {
					if err != nil {
						return err
					}
					t.add(y)
				}
				return nil
			}),
			bench.Goroutines: body(func(r *bench.Run, t *tally) error {
				switch mode {
				case "ordered", "slow":
					streamOrdered(r.Workers, source, work, t.add)
				case "unordered":
					streamUnordered(r.Workers, source, work, t.add)
				case "keyed":
					streamKeyed(r.Workers, source, work, t.add)
				}
				return nil
			}),
			bench.Serial: body(func(_ *bench.Run, t *tally) error {
				for x := range source {
					t.add(work(x))
				}
				return nil
			}),
		},
		Verify: bench.Answer(decimal(known.sum)),
	}
}

// streamOrdered is the pipeline as it is usually written: workers receive items with a channel each for the result, and the
// consumer receives those channels in order.
func streamOrdered(workers int, source func(func(int) bool), work func(int) uint64, add func(uint64)) {
	type request struct {
		x      int
		result chan uint64
	}
	requests := make(chan request, 16*workers)
	results := make(chan chan uint64, 16*workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for r := range requests {
				r.result <- work(r.x)
			}
		})
	}
	wg.Go(func() {
		source(func(x int) bool {
			r := request{x, make(chan uint64, 1)}
			results <- r.result
			requests <- r
			return true
		})
		close(requests)
		close(results)
	})
	for r := range results {
		add(<-r)
	}
	wg.Wait()
}

func streamUnordered(workers int, source func(func(int) bool), work func(int) uint64, add func(uint64)) {
	items, results := make(chan int, 16*workers), make(chan uint64, 16*workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for x := range items {
				results <- work(x)
			}
		})
	}
	go func() {
		source(func(x int) bool { items <- x; return true })
		close(items)
		wg.Wait()
		close(results)
	}()
	for y := range results {
		add(y)
	}
}

func streamKeyed(workers int, source func(func(int) bool), work func(int) uint64, add func(uint64)) {
	lanes, results := make([]chan int, workers), make(chan uint64, 16*workers)
	var wg sync.WaitGroup
	for i := range lanes {
		lanes[i] = make(chan int, 16)
		wg.Go(func() {
			for x := range lanes[i] {
				results <- work(x)
			}
		})
	}
	go func() {
		source(func(x int) bool { lanes[x%streamKeys%workers] <- x; return true })
		for _, lane := range lanes {
			close(lane)
		}
		wg.Wait()
		close(results)
	}()
	for y := range results {
		add(y)
	}
}
