package workload

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/atomic"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/internal/bench/stat"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// timers measures what timers cost and how late they are, in ops:
//
//	cancel   AfterFunc and Stop, with n timers pending
//	reset    the same with one timer that is used again: Reset and Stop
//	shuffle  Stop of some pending timer, in random order, and AfterFunc in its place
//	fire     AfterFunc, n times, and n callbacks, within some 100 ms
//	late     callbacks after 1 ms to 1 s on an idle machine: late_p50_ns and late_p99_ns
//
// What they allocate is told of without the pending timers, so it is 1 of cancel, the timer that AfterFunc returns, and 0 of reset.
//
// The pending timers are spread over an hour that begins later than the run ends. ns_per_task is wall time, so that of fire is
// mostly waiting: look at its cpu_ns_per_task, which is what the process computes for each timer.
var timers = &bench.Workload{
	Name: "timers", Doc: "timers: insert and cancel, insert and fire, lateness",
	Size: "pending", Unit: "timer", N: "100000", SuiteN: "20000", TestN: "500",
	Options: []bench.Option{{Name: "op", Doc: "cancel, reset, shuffle, fire, late", Default: "cancel,reset,shuffle,fire,late", Many: true}},
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 10_000_000)
		if err != nil {
			return nil, err
		}
		op := timerOps[p.Options["op"]]
		if op == nil {
			return nil, errors.New("--op: want cancel, reset, shuffle, fire or late")
		}
		return bench.Later(func() *bench.Job { return op(n) }), nil
	},
}

var timerOps = map[string]func(n int) *bench.Job{
	"cancel":  func(n int) *bench.Job { return pendingJob(n, cancelOp) },
	"reset":   func(n int) *bench.Job { return pendingJob(n, resetOp) },
	"shuffle": func(n int) *bench.Job { return pendingJob(n, shuffleOp) },
	"fire":    fireJob,
	"late":    lateJob,
}

// A stopper is a timer of either runtime.
type stopper interface {
	Stop() bool
	Reset(d time.Duration) bool
}

// afterFunc starts a timer of either runtime.
type afterFunc func(d time.Duration, f func()) stopper

func pinwheelTimers(ctx context.Context) afterFunc {
	return func(d time.Duration, f func()) stopper { return sched.AfterFunc(ctx, d, f) }
}

func standardTimers(d time.Duration, f func()) stopper { return time.AfterFunc(d, f) }

// onAWorker runs a body on a worker, where timers are started by tasks, and not on a guest.
func onAWorker(r *bench.Run, body func(r *bench.Run, start afterFunc) (string, error)) (string, error) {
	return sched.Go(r.Context, func(t *sched.Task) (string, error) {
		return body(r, pinwheelTimers(t))
	}).Await(r.Context)
}

func timerJob(tasks int, want string, body func(r *bench.Run, start afterFunc) (string, error)) *bench.Job {
	return &bench.Job{
		Tasks: int64(tasks),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel:   func(r *bench.Run) (string, error) { return onAWorker(r, body) },
			bench.Goroutines: func(r *bench.Run) (string, error) { return body(r, standardTimers) },
		},
		Verify: bench.Answer(want),
	}
}

const timerTurns = 200_000 // of one run

// A pendingOp is what is measured with timers pending. It returns how often it has stopped one that was.
type pendingOp func(r *rand.Rand, pending []stopper, start afterFunc, turns int) (stopped int)

func pendingJob(n int, op pendingOp) *bench.Job {
	return timerJob(timerTurns, decimal(timerTurns), func(r *bench.Run, start afterFunc) (string, error) {
		rng := rand.New(rand.NewPCG(1, uint64(n)))
		pending := make([]stopper, n)
		for i := range pending {
			pending[i] = start(farAway(rng), func() {})
		}
		defer func() {
			for _, p := range pending {
				p.Stop()
			}
		}()
		r.Start()
		stopped := op(rng, pending, start, timerTurns)
		r.Stop()
		return decimal(stopped), nil
	})
}

func farAway(r *rand.Rand) time.Duration {
	return 10*time.Minute + time.Duration(r.Int64N(int64(time.Hour)))
}

func cancelOp(_ *rand.Rand, _ []stopper, start afterFunc, turns int) (stopped int) {
	for range turns {
		if start(time.Second, func() {}).Stop() {
			stopped++
		}
	}
	return stopped
}

func resetOp(_ *rand.Rand, _ []stopper, start afterFunc, turns int) (stopped int) {
	t := start(time.Hour, func() {})
	for range turns {
		t.Reset(time.Second)
		if t.Stop() {
			stopped++
		}
	}
	return stopped
}

func shuffleOp(r *rand.Rand, pending []stopper, start afterFunc, turns int) (stopped int) {
	for range turns {
		t := &pending[r.IntN(len(pending))]
		if (*t).Stop() {
			stopped++
		}
		*t = start(farAway(r), func() {})
	}
	return stopped
}

// fireJob starts n timers over 50 ms of deadlines, and waits for all of them.
func fireJob(n int) *bench.Job {
	return timerJob(n, decimal(n), func(r *bench.Run, start afterFunc) (string, error) {
		rng := rand.New(rand.NewPCG(2, uint64(n)))
		var (
			fired atomic.Int64
			all   = make(chan struct{})
		)
		count := func() {
			if fired.Inc() == int64(n) {
				close(all)
			}
		}
		cpu, known := bench.CPUTime()
		r.Start()
		for range n {
			start(50*time.Millisecond+time.Duration(rng.Int64N(int64(50*time.Millisecond))), count)
		}
		err := awaitNatively(r.Context, all)
		r.Stop()
		if spent, _ := bench.CPUTime(); known {
			r.Metric("cpu_ns_per_task", float64(spent-cpu)/float64(n))
		}
		return decimal(fired.Load()), err
	})
}

// awaitNatively waits for a channel: in a task off its worker.
func awaitNatively(ctx context.Context, c <-chan struct{}) error {
	_, err := sched.Blocking(ctx, func() (struct{}, error) {
		select {
		case <-c:
			return struct{}{}, nil
		case <-ctx.Done():
			return struct{}{}, ctx.Err()
		}
	})
	return err
}

// lateJob has up to 500 timers, one every 2 ms of a second.
func lateJob(n int) *bench.Job {
	n = max(1, min(n/100, 500))
	return timerJob(n, decimal(n), func(r *bench.Run, start afterFunc) (string, error) {
		var (
			late = make([]float64, n)
			all  sync.WaitGroup
			done = make(chan struct{})
			soon atomic.Int64
		)
		all.Add(n)
		for i := range n {
			d := time.Millisecond + time.Duration(i)*2*time.Millisecond
			due := time.Now().Add(d)
			start(d, func() {
				l := time.Since(due)
				if l < 0 {
					soon.Inc()
				}
				late[i] = float64(l)
				all.Done()
			})
		}
		go func() { all.Wait(); close(done) }()
		if err := awaitNatively(r.Context, done); err != nil {
			return "", err
		}
		r.Stop()
		r.Metric("late_p50_ns", stat.Median(late))
		r.Metric("late_p99_ns", stat.Quantile(late, 0.99))
		return decimal(int64(n) - soon.Load()), nil
	})
}
