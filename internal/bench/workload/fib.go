package workload

import (
	"context"
	"sync"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// fib is nothing but forks, so the time of a task is what a fork and its join cost.
var fib = &bench.Workload{
	Name: "fib", Doc: "naive recursive fib(n) without cut-off, typed fork",
	Size: "n", Unit: "fork", N: "27", TestN: "15",
	Prepare: fibJob(func(ctx context.Context, n int) (int, error) {
		return sched.Run(ctx, func(t *sched.Task) (int, error) { return fibTask(t, n), nil })
	}),
}

// fibClosure is fib in the form that captures variables.
var fibClosure = &bench.Workload{
	Name: "fib-closure", Doc: "the same with closures (sched.Join)",
	Size: "n", Unit: "fork", N: "25", TestN: "15",
	Prepare: fibJob(func(ctx context.Context, n int) (int, error) {
		return sched.Run(ctx, func(t *sched.Task) (int, error) { return fibJoin(t, n), nil })
	}),
}

func fibJob(pinwheel func(ctx context.Context, n int) (int, error)) func(bench.Params) (bench.Build, error) {
	return func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(0, 60)
		if err != nil {
			return nil, err
		}
		answer, forks := fibKnown(n)
		job := &bench.Job{
			Tasks: forks,
			Bodies: map[bench.Runtime]bench.Body{
				bench.Pinwheel:   number(func(ctx context.Context) (int, error) { return pinwheel(ctx, n) }),
				bench.Goroutines: number(func(context.Context) (int, error) { return fibGoroutines(n), nil }),
				bench.Serial:     number(func(context.Context) (int, error) { return fibSerial(n), nil }),
			},
			Verify: bench.Answer(decimal(answer)),
		}
		return bench.Later(func() *bench.Job { return job }), nil
	}
}

var fibs = sched.NewFork[int, int]()

func fibTask(t *sched.Task, n int) int {
	if n < 2 {
		return n
	}
	f := fibs.Fork(t, fibTask, n-1)
	y := fibTask(t, n-2)
	return f.Join(t) + y
}

func fibJoin(t *sched.Task, n int) int {
	if n < 2 {
		return n
	}
	x, y := sched.Join(t,
		func(t *sched.Task) int { return fibJoin(t, n-1) },
		func(t *sched.Task) int { return fibJoin(t, n-2) })
	return x + y
}

// fibGoroutines has no cut-off either: it shows what a goroutine costs.
func fibGoroutines(n int) int {
	if n < 2 {
		return n
	}
	var (
		wg sync.WaitGroup
		x  int
	)
	wg.Go(func() { x = fibGoroutines(n - 1) })
	y := fibGoroutines(n - 2)
	wg.Wait()
	return x + y
}

func fibSerial(n int) int {
	if n < 2 {
		return n
	}
	return fibSerial(n-1) + fibSerial(n-2)
}

// fibKnown returns fib(n) by adding up, and the number of calls that fork, which is fib(n+1)-1 (and at least 1, to divide
// by).
func fibKnown(n int) (answer, forks int64) {
	a, b := int64(0), int64(1)
	for range n {
		a, b = b, a+b
	}
	return a, max(b-1, 1)
}
