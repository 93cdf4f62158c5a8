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
// process has grown by when all wait, for each, stack and heap. All run one function, so no closure is counted. The time includes
// starting them.
//
// Half of them are waiting before the first look at the memory. The runtime begins goroutines with a stack of the average size: while
// there are few, of which some are deep, that is 4 KiB, and a crowd's first ones would have that of a program that is not a crowd.
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
				c := newCrowd(n)
				one := func(t *sched.Task) error {
					c.comes()
					_, err := p.Future().Await(t)
					c.went.Inc()
					return err
				}
				return c.run(r, func() { g.Go(one) }, func() { p.Resolve(1) }, g.Wait)
			},
			bench.Goroutines: func(r *bench.Run) (string, error) {
				open := make(chan struct{})
				var all sync.WaitGroup
				c := newCrowd(n)
				one := func() {
					c.comes()
					<-open
					c.went.Inc()
				}
				return c.run(r, func() { all.Go(one) }, func() { close(open) }, func() error { all.Wait(); return nil })
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

// A crowd is n tasks that wait at the same time.
type crowd struct {
	n          int64
	came, went atomic.Int64
	half, all  chan struct{} // closed when half of them, or all, are about to wait
}

func newCrowd(n int) *crowd {
	return &crowd{n: int64(n), half: make(chan struct{}), all: make(chan struct{})}
}

// comes is called by a task that is about to wait.
func (c *crowd) comes() {
	came := c.came.Inc()
	if came == (c.n+1)/2 {
		close(c.half)
	}
	if came == c.n {
		close(c.all)
	}
}

// run starts the tasks, lets them go on when all wait, and returns how many have.
func (c *crowd) run(r *bench.Run, start, open func(), end func() error) (string, error) {
	await := func(come <-chan struct{}, until int64) int64 {
		for range until {
			start()
		}
		select {
		case <-come:
		case <-r.Context.Done():
		}
		return memory()
	}
	r.Start()
	before := await(c.half, (c.n+1)/2)
	growth := await(c.all, c.n/2) - before
	r.Metric("bytes_per_waiting", float64(growth)/float64(max(1, c.n/2)))
	open()
	err := end()
	r.Stop()
	if err == nil {
		err = r.Context.Err()
	}
	return decimal(c.went.Load()), err
}

// memory returns the bytes of heap and stacks in use.
func memory() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
