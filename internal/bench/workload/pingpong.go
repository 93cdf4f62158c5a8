package workload

import (
	"context"

	"go.uber.org/atomic"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// pingpong has two tasks that wait for each other in turn: each resolves the promise that the other awaits, with one for the
// answer in it. A round trip suspends and resumes both. With one worker both tasks are on it; with more they are on two, and
// the round trip crosses from core to core twice. The answer is where a step at each side leads.
var pingpong = &bench.Workload{
	Name: "pingpong", Doc: "n round trips between two tasks that await each other",
	Size: "round trips", Unit: "round trip", N: "200000", SuiteN: "50000", TestN: "500",
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 100_000_000)
		if err != nil {
			return nil, err
		}
		return bench.Later(func() *bench.Job { return pingpongJob(n) }), nil
	},
}

func pingpongJob(n int) *bench.Job {
	return &bench.Job{
		Tasks: int64(n),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel:   func(r *bench.Run) (string, error) { return pingpongPinwheel(r, n) },
			bench.Goroutines: func(r *bench.Run) (string, error) { return pingpongGoroutines(r, n) },
			bench.Serial: number(func(context.Context) (uint64, error) {
				x := uint64(0)
				for range n {
					x = bench.Spin(x, 1)
					x = bench.Spin(x, 1)
				}
				return x, nil
			}),
		},
		Verify: bench.Answer(decimal(bench.Spin(0, 2*n))),
	}
}

// A ball is on its way to the other side, which plays it back by answer.
type ball struct {
	x      uint64
	answer *future.Promise[ball]
}

func pingpongPinwheel(r *bench.Run, n int) (string, error) {
	var here atomic.Int32
	// arrive waits for the other task without letting go of the worker: so they are on two, if there are two.
	arrive := func() {
		here.Inc()
		for r.Workers > 1 && here.Load() < 2 {
		}
	}
	// Each of the tasks takes the first promise out of a variable of its own: it leads to all others, as long as it is in use.
	serve := future.NewPromise[ball]()
	receive := serve
	pong := sched.Go(r.Context, func(t *sched.Task) (struct{}, error) {
		arrive()
		next := receive
		receive = nil
		for next != nil {
			b, err := next.Future().Await(t)
			if err != nil {
				return struct{}{}, err
			}
			back := ball{x: bench.Spin(b.x, 1)}
			if next = nil; b.answer != nil {
				next = future.NewPromise[ball]()
				back.answer = next
				b.answer.Resolve(back)
			}
		}
		return struct{}{}, nil
	})
	ping := sched.Go(r.Context, func(t *sched.Task) (uint64, error) {
		arrive()
		r.Start()
		defer r.Stop()
		x, to := uint64(0), serve
		serve = nil
		for range n {
			answer := future.NewPromise[ball]()
			to.Resolve(ball{bench.Spin(x, 1), answer})
			b, err := answer.Future().Await(t)
			if err != nil {
				return 0, err
			}
			x, to = b.x, b.answer
		}
		to.Resolve(ball{}) // the end
		return x, nil
	})
	x, err := ping.Await(r.Context)
	if err == nil {
		_, err = pong.Await(r.Context)
	}
	return decimal(x), err
}

// pingpongGoroutines has a channel for each direction.
func pingpongGoroutines(r *bench.Run, n int) (string, error) {
	ping, pong := make(chan uint64), make(chan uint64)
	go func() {
		for x := range ping {
			pong <- bench.Spin(x, 1)
		}
		close(pong)
	}()
	x := uint64(0)
	r.Start()
	for range n {
		ping <- bench.Spin(x, 1)
		x = <-pong
	}
	r.Stop()
	close(ping)
	<-pong
	return decimal(x), nil
}
