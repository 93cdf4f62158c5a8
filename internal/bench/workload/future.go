package workload

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// These are what a future costs: by itself, and with a task behind it that a plain goroutine awaits.
var (
	futureAlone = &bench.Workload{
		Name: "future", Doc: "n futures, one after the other: made, resolved, awaited",
		Size: "n", Unit: "future", N: "1000000", SuiteN: "200000", TestN: "1000",
		Prepare: futureJob(futureAlonePinwheel, func(_ context.Context, x uint64) uint64 {
			c := make(chan uint64, 1)
			c <- spinOnce(x)
			return <-c
		}),
	}
	goAwait = &bench.Workload{
		Name: "go-await", Doc: "a plain goroutine starts a task of nothing and awaits its future, n times",
		Size: "n", Unit: "task", N: "100000", SuiteN: "20000", TestN: "500",
		Prepare: futureJob(goAwaitPinwheel, func(_ context.Context, x uint64) uint64 {
			c := make(chan uint64, 1)
			go func() { c <- spinOnce(x) }()
			return <-c
		}),
	}
)

// futureJob makes the job of n steps, each of which takes the result of the one before.
func futureJob(pinwheel func(ctx context.Context, n int) (uint64, error), goroutines func(ctx context.Context, x uint64) uint64) func(bench.Params) (bench.Build, error) {
	return func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 1_000_000_000)
		if err != nil {
			return nil, err
		}
		steps := func(step func(ctx context.Context, x uint64) uint64) bench.Body {
			return number(func(ctx context.Context) (uint64, error) {
				x := uint64(1)
				for range n {
					x = step(ctx, x)
				}
				return x, nil
			})
		}
		return bench.Later(func() *bench.Job {
			return &bench.Job{
				Tasks: int64(n),
				Bodies: map[bench.Runtime]bench.Body{
					bench.Pinwheel:   number(func(ctx context.Context) (uint64, error) { return pinwheel(ctx, n) }),
					bench.Goroutines: steps(goroutines),
					bench.Serial:     steps(func(_ context.Context, x uint64) uint64 { return spinOnce(x) }),
				},
				Verify: bench.Answer(decimal(bench.Spin(1, n))),
			}
		}), nil
	}
}

func futureAlonePinwheel(ctx context.Context, n int) (uint64, error) {
	return sched.Run(ctx, func(t *sched.Task) (uint64, error) {
		x := uint64(1)
		for range n {
			p := future.NewPromise[uint64]()
			p.Resolve(spinOnce(x))
			var err error
			if x, err = p.Future().Await(t); err != nil {
				return 0, err
			}
		}
		return x, nil
	})
}

func goAwaitPinwheel(ctx context.Context, n int) (uint64, error) {
	always := context.WithoutCancel(ctx) // nothing cancels the goroutines' receive either
	x := uint64(1)
	for range n {
		f := sched.Go(ctx, func(*sched.Task) (uint64, error) { return spinOnce(x), nil })
		y, err := f.Await(always)
		if err != nil {
			return 0, err
		}
		x = y
	}
	return x, nil
}
