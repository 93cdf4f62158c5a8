package workload

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// chain makes a promise and n futures, each of which is derived from the one before, and then resolves the promise: a step for
// each link, one after the other. Its goroutines have a channel for each link.
var chain = &bench.Workload{
	Name: "chain", Doc: "a chain of n futures, each mapped from the one before",
	Size: "links", Unit: "link", N: "200000", SuiteN: "50000", TestN: "500",
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 10_000_000)
		if err != nil {
			return nil, err
		}
		return bench.Later(func() *bench.Job { return chainJob(n) }), nil
	},
}

func chainJob(n int) *bench.Job {
	return &bench.Job{
		Tasks: int64(n),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel: number(func(ctx context.Context) (uint64, error) {
				return sched.Run(ctx, func(t *sched.Task) (uint64, error) {
					p := future.NewPromise[uint64]()
					f := p.Future()
					for range n {
						f = future.Map(f, spinOnce)
					}
					p.Resolve(1)
					return f.Await(t)
				})
			}),
			bench.Goroutines: number(func(context.Context) (uint64, error) {
				first := make(chan uint64, 1)
				last := first
				for range n {
					from, to := last, make(chan uint64, 1)
					go func() { to <- spinOnce(<-from) }()
					last = to
				}
				first <- 1
				return <-last, nil
			}),
			bench.Serial: number(func(context.Context) (uint64, error) {
				x := uint64(1)
				for range n {
					x = spinOnce(x)
				}
				return x, nil
			}),
		},
		Verify: bench.Answer(decimal(bench.Spin(1, n))),
	}
}

func spinOnce(x uint64) uint64 { return bench.Spin(x, 1) }
