package workload

import (
	"context"
	"fmt"
	"sync"

	"go.uber.org/atomic"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// submit starts n tasks of nothing from plain goroutines, which are not workers, and waits until all have run. The time
// counts from the first submission to the end of the last task.
var submit = &bench.Workload{
	Name: "submit", Doc: "n tasks of nothing, submitted from outside",
	Size: "n", Unit: "task", N: "200000", SuiteN: "50000", TestN: "1000",
	Options: []bench.Option{
		{Name: "producers", Doc: "goroutines that submit", Default: "1,8", Many: true},
		{Name: "api", Doc: "function of package sched: Submit, or Go, whose futures nobody awaits", Default: "Submit", Many: true},
	},
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 100_000_000)
		if err != nil {
			return nil, err
		}
		producers, err := p.OptionInt("producers", 1, 10_000)
		if err != nil {
			return nil, err
		}
		starter, ok := submissions[p.Options["api"]]
		if !ok {
			return nil, fmt.Errorf("--api %q: want Submit or Go", p.Options["api"])
		}
		return bench.Later(func() *bench.Job { return submitJob(n, producers, starter) }), nil
	},
}

// A starter returns a function that starts the task once.
type starter func(ctx context.Context, task func()) func()

var submissions = map[string]starter{
	"Submit": func(ctx context.Context, task func()) func() { return func() { _ = sched.Submit(ctx, task) } },
	"Go": func(ctx context.Context, task func()) func() {
		run := func(*sched.Task) (struct{}, error) { task(); return struct{}{}, nil }
		return func() { sched.Go(ctx, run) }
	},
}

func submitJob(n, producers int, pinwheel starter) *bench.Job {
	return &bench.Job{
		Tasks: int64(n),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel: submission(n, producers, pinwheel),
			bench.Goroutines: submission(n, producers, func(_ context.Context, task func()) func() {
				return func() { go task() }
			}),
			bench.Serial: submission(n, producers, func(_ context.Context, task func()) func() { return task }),
		},
		Verify: bench.Answer(decimal(n)),
	}
}

// submission makes a body of a way to submit.
func submission(n, producers int, with starter) bench.Body {
	return func(r *bench.Run) (string, error) {
		var (
			ran  atomic.Int64
			done = make(chan struct{})
			wg   sync.WaitGroup
		)
		start := with(r.Context, func() {
			if ran.Inc() == int64(n) {
				close(done)
			}
		})
		for k := range producers {
			share := n*(k+1)/producers - n*k/producers
			wg.Go(func() {
				for range share {
					start()
				}
			})
		}
		wg.Wait()
		select {
		case <-done:
		case <-r.Context.Done():
		}
		r.Stop()
		return decimal(ran.Load()), r.Context.Err()
	}
}
