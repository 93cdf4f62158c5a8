package workload

import (
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// idle does nothing while a pool is there that has been at work and has to work again afterwards. Its cpu_fraction is what
// such a pool costs the rest of the machine; its answer, the number of items that ran both times.
var idle = &bench.Workload{
	Name: "idle", Doc: "a started pool with nothing to do",
	Size: "duration", Unit: "rest", N: "2s", SuiteN: "200ms", TestN: "10ms",
	Prepare: func(p bench.Params) (bench.Build, error) {
		d, err := time.ParseDuration(p.N)
		if err != nil || d <= 0 || d > time.Hour {
			return nil, fmt.Errorf("--n %q: want a duration up to 1h, such as 2s", p.N)
		}
		return bench.Later(func() *bench.Job { return idleJob(d) }), nil
	},
}

func idleJob(d time.Duration) *bench.Job {
	return &bench.Job{
		Tasks: 1,
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel: idleBody(d, func(r *bench.Run) (itemLoop, func()) {
				return func(n int, item func(int)) error { return sched.For(r.Context, n, item) }, func() {}
			}),
			bench.Goroutines: idleBody(d, func(r *bench.Run) (itemLoop, func()) { return waitingGoroutines(r.Workers) }),
			bench.Serial: idleBody(d, func(*bench.Run) (itemLoop, func()) {
				return func(n int, item func(int)) error {
					for i := range n {
						item(i)
					}
					return nil
				}, func() {}
			}),
		},
		Verify: bench.Answer(decimal(idleItems)),
	}
}

const idleItems = 100

// An itemLoop runs item for 0 to n-1.
type itemLoop func(n int, item func(i int)) error

// idleBody rests for d between two loops on the pool that start starts.
func idleBody(d time.Duration, start func(r *bench.Run) (loop itemLoop, stop func())) bench.Body {
	return func(r *bench.Run) (string, error) {
		loop, stop := start(r)
		defer stop()
		var marks [idleItems]uint8
		mark := func(i int) { marks[i]++ }
		if err := loop(idleItems, mark); err != nil {
			return "", err
		}
		if err := rested(r, d); err != nil {
			return "", err
		}
		if err := loop(idleItems, mark); err != nil {
			return "", err
		}
		twice := 0
		for _, m := range marks {
			if m == 2 {
				twice++
			}
		}
		return decimal(twice), nil
	}
}

// rested rests for d with the clock running. Before that the garbage collector has time to finish
// with what the workloads before have left.
func rested(r *bench.Run, d time.Duration) error {
	debug.FreeOSMemory()
	time.Sleep(d / 20)
	r.Start()
	select {
	case <-time.After(d):
	case <-r.Context.Done():
		return r.Context.Err()
	}
	r.Stop()
	return nil
}

// waitingGoroutines are a pool that waits on a channel for items.
func waitingGoroutines(workers int) (loop itemLoop, stop func()) {
	work := make(chan func())
	for range workers {
		go func() {
			for f := range work {
				f()
			}
		}()
	}
	loop = func(n int, item func(int)) error {
		var ran sync.WaitGroup
		ran.Add(n)
		for i := range n {
			work <- func() { item(i); ran.Done() }
		}
		ran.Wait()
		return nil
	}
	return loop, func() { close(work) }
}
