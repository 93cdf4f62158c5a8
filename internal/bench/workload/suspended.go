package workload

import (
	"context"
	"runtime"
	"sync"

	"go.uber.org/atomic"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// suspended has n tasks wait for one thing, all at the same time, and then go on. Its metric bytes_per_waiting is what the
// process has grown by when all wait, for each, stack and heap. The time includes starting them.
var suspended = &bench.Workload{
	Name: "suspended", Doc: "n tasks that are suspended at once, and resumed",
	Size: "n", Unit: "task", N: "100000", SuiteN: "20000", TestN: "500",
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 10_000_000)
		if err != nil {
			return nil, err
		}
		return bench.Later(func() *bench.Job { return suspendedJob(n) }), nil
	},
}

func suspendedJob(n int) *bench.Job {
	return &bench.Job{
		Tasks: int64(n),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel: func(r *bench.Run) (string, error) {
				p := future.NewPromise[int]()
				g := sched.NewGroup(r.Context)
				return crowd(r, n, func(one func(wait func())) {
					for range n {
						g.Go(func(t *sched.Task) error {
							one(func() { _, _ = p.Future().Await(t) })
							return nil
						})
					}
				}, func() { p.Resolve(1) }, g.Wait)
			},
			bench.Goroutines: func(r *bench.Run) (string, error) {
				open := make(chan struct{})
				var all sync.WaitGroup
				return crowd(r, n, func(one func(wait func())) {
					for range n {
						all.Go(func() { one(func() { <-open }) })
					}
				}, func() { close(open) }, func() error { all.Wait(); return nil })
			},
			bench.Serial: number(func(context.Context) (int, error) {
				went := 0
				for range n {
					went++
				}
				return went, nil
			}),
		},
		Verify: bench.Answer(decimal(n)),
	}
}

// crowd starts n tasks, lets them go on when all wait, and returns how many have.
func crowd(r *bench.Run, n int, start func(one func(wait func())), open func(), end func() error) (string, error) {
	var came, went atomic.Int64
	all := make(chan struct{})
	before := memory()
	r.Start()
	start(func(wait func()) {
		if came.Inc() == int64(n) {
			close(all) // the last is about to wait
		}
		wait()
		went.Inc()
	})
	select {
	case <-all:
	case <-r.Context.Done():
	}
	r.Metric("bytes_per_waiting", float64(memory()-before)/float64(n))
	open()
	err := end()
	r.Stop()
	if err == nil {
		err = r.Context.Err()
	}
	return decimal(went.Load()), err
}

// memory returns the bytes of heap and stacks in use.
func memory() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
