package workload

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// blocked computes n tasks of 100 us, of which each 200th besides sleeps for 2 ms, in a way that blocks the thread that it is
// on. The task may say so beforehand, by sched.Blocking, or not. To goroutines it is all one.
var blocked = &bench.Workload{
	Name: "blocked", Doc: "n tasks of 100 us, of which 1 in 200 blocks for 2 ms besides",
	Size: "n", Unit: "task", N: "10000", SuiteN: "600", TestN: "201",
	Options: []bench.Option{{Name: "says", Doc: "how it blocks: nothing, natively; blocking, in sched.Blocking", Default: "nothing,blocking", Many: true}},
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 10_000_000)
		if err != nil {
			return nil, err
		}
		switch says := p.Options["says"]; says {
		case "nothing", "blocking", "":
			return bench.Later(func() *bench.Job { return blockedJob(n, says == "blocking") }), nil
		default:
			return nil, fmt.Errorf("--says %q: want nothing or blocking", says)
		}
	},
}

const (
	blocksEach = 200
	blocksFor  = 2 * time.Millisecond
)

func blockedJob(n int, says bool) *bench.Job {
	steps := bench.SpinSteps(100 * time.Microsecond)
	results := make([]uint64, n)
	task := func(ctx context.Context, i int) error {
		results[i] = bench.Spin(uint64(i), steps)
		switch {
		case i%blocksEach != blocksEach/2:
		case says && ctx != nil:
			_, err := sched.Blocking(ctx, func() (struct{}, error) { time.Sleep(blocksFor); return struct{}{}, nil })
			return err
		default:
			time.Sleep(blocksFor)
		}
		return nil
	}
	body := func(run func(r *bench.Run) error) bench.Body {
		return func(r *bench.Run) (string, error) {
			clear(results)
			r.Start()
			err := run(r)
			r.Stop()
			sum := uint64(0)
			for _, x := range results {
				sum += x
			}
			return decimal(sum), err
		}
	}
	return &bench.Job{
		Tasks: int64(n),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel: body(func(r *bench.Run) error {
				g := sched.NewGroup(r.Context)
				for i := range n {
					g.Go(func(t *sched.Task) error { return task(t, i) })
				}
				return g.Wait()
			}),
			bench.Goroutines: body(func(*bench.Run) error {
				var all sync.WaitGroup
				for i := range n {
					all.Go(func() { _ = task(nil, i) })
				}
				all.Wait()
				return nil
			}),
			bench.Serial: body(func(*bench.Run) error {
				for i := range n {
					_ = task(nil, i)
				}
				return nil
			}),
		},
		Verify: bench.Answer(decimal(bench.SpinSum(uint64(n), steps))),
	}
}
