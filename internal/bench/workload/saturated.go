package workload

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"go.uber.org/atomic"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/internal/bench/stat"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// saturated is what becomes of a server and of timers while every worker computes: fork-join, over and over, without a call that
// would yield. With goroutines as many compute, serially. The server has 64 connections, each of which sends a request every
// 20 ms, so that the load itself takes some percent of the CPUs; some tasks sleep for 1 ms again and again.
//
// The process of the load shares the CPUs with the workers. It runs as one elsewhere would, if it may: with a real-time priority, so that
// what is measured is how long the server takes, and not how long the kernel lets the client wait. Without the right to that, p99_ns
// has some milliseconds of the client's own in it, for any runtime.
//
// p50_ns and p99_ns are the times of the requests, timer_p50_ns and timer_p99_ns by how much the sleeps were too long.
// compute_slowdown is by how much less is computed than when nothing else is to be done, beyond the CPU time of the load and of the
// requests: the latter is what a request costs on the same server when it does nothing else and has much to do.
// compute_loss has all in it.
var saturated = &bench.Workload{
	Name: "saturated", Doc: "TCP echo and 1 ms timers while every worker computes",
	Size: "requests", Unit: "request", N: "10000", SuiteN: "300", TestN: "100",
	Options: []bench.Option{{Name: "style", Doc: "of the pinwheel server: readable or tasks", Default: "tasks"}},
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 10_000_000)
		if err != nil {
			return nil, err
		}
		style := p.Options["style"]
		if style != "readable" && style != "tasks" {
			return nil, errors.New("--style: want readable or tasks")
		}
		return bench.Later(func() *bench.Job { return saturatedJob(n, style) }), nil
	},
}

const (
	saturatedConns  = 64
	saturatedEvery  = 20 * time.Millisecond
	saturatedAlone  = 400 * time.Millisecond // of computing without anything else, half of it before and half after
	saturatedBurst  = 3000                   // requests without computing
	saturatedTimers = 4
	saturatedFib    = 18
)

func saturatedJob(n int, style string) *bench.Job {
	e := &echoServer{load: load{Conns: saturatedConns, Size: 64}}
	return &bench.Job{
		Tasks: int64(n),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel: func(r *bench.Run) (string, error) {
				l, err := sched.Listen(r.Context, "tcp", "127.0.0.1:0")
				if err != nil {
					return "", err
				}
				serve := e.tasks
				if style == "readable" {
					serve = e.readable
				}
				s := &saturation{
					run: r, listener: l,
					serve: func() error { return serve(r.Context, l) },
					compute: func(f func(t *sched.Task)) {
						sched.Go(r.Context, func(t *sched.Task) (int, error) { f(t); return 0, nil })
					},
					fib:   fibTask,
					rest:  func(f func()) { sched.Go(r.Context, func(*sched.Task) (int, error) { f(); return 0, nil }) },
					sleep: func() error { return sched.Sleep(r.Context, time.Millisecond) },
				}
				return s.measure(n)
			},
			bench.Goroutines: func(r *bench.Run) (string, error) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					return "", err
				}
				s := &saturation{
					run: r, listener: l,
					serve:   func() error { return e.goroutines(l) },
					compute: func(f func(t *sched.Task)) { go f(nil) },
					fib:     func(_ *sched.Task, n int) int { return fibSerial(n) },
					rest:    func(f func()) { go f() },
					sleep:   func() error { time.Sleep(time.Millisecond); return nil },
				}
				return s.measure(n)
			},
		},
		Verify: bench.Answer(decimal(n)),
	}
}

// A saturation is one run.
type saturation struct {
	run      *bench.Run
	listener net.Listener
	serve    func() error
	compute  func(func(t *sched.Task)) // starts a computation
	fib      func(t *sched.Task, n int) int
	rest     func(func()) // starts what sleeps
	sleep    func() error

	loaded   atomic.Bool
	stop     atomic.Bool
	computed atomic.Int64
	wrong    atomic.Int64
	all      sync.WaitGroup
	mu       sync.Mutex
	late     []float64
}

func (s *saturation) measure(n int) (answer string, err error) {
	served := make(chan error, 1)
	go func() { served <- s.serve() }()
	defer func() {
		_ = s.listener.Close()
		if e := <-served; err == nil && e != nil && !errors.Is(e, net.ErrClosed) {
			err = e
		}
	}()
	load := load{Address: s.listener.Addr().String(), Conns: saturatedConns, Size: 64, Requests: min(saturatedBurst, n)}

	// What a request costs.
	_, cpu, err := s.under(load)
	if err != nil {
		return "", err
	}
	perRequest := float64(cpu) / float64(load.Requests)

	for range saturatedTimers { // before the workers have something to do
		s.all.Add(1)
		s.rest(s.timers)
	}

	// How fast it computes alone, but for the timers, which are next to nothing.
	want, _ := fibKnown(saturatedFib)
	for range s.run.Workers {
		s.all.Add(1)
		s.compute(func(t *sched.Task) {
			defer s.all.Done()
			for !s.stop.Load() {
				if int64(s.fib(t, saturatedFib)) != want {
					s.wrong.Inc()
				}
				s.computed.Inc()
			}
		})
	}
	defer func() { s.stop.Store(true); s.all.Wait() }()
	alone := func() (float64, error) {
		return s.rate(func() error { return pause(s.run.Context, saturatedAlone/2) })
	}
	before, err := alone()
	if err != nil {
		return "", err
	}

	// All of it at once.
	s.loaded.Store(true)
	load.Requests, load.Every = n, saturatedEvery
	var result *loadResult
	together, err := s.rate(func() (err error) { result, _, err = s.under(load); return err })
	if err != nil {
		return "", err
	}
	s.loaded.Store(false)
	after, err := alone() // and again, since the machine has fast and slow phases
	if err != nil {
		return "", err
	}
	s.stop.Store(true)
	s.all.Wait()
	if wrong := s.wrong.Load(); wrong != 0 {
		return "", errors.New("the computation came to a wrong answer")
	}
	other := float64(result.CPU) + perRequest*float64(n)
	rate := (before + after) / 2
	share := 1 - other/(float64(s.run.Workers)*float64(result.Elapsed))
	s.run.Metric("p50_ns", float64(result.P50))
	s.run.Metric("p99_ns", float64(result.P99))
	s.run.Metric("timer_p50_ns", stat.Median(s.late))
	s.run.Metric("timer_p99_ns", stat.Quantile(s.late, 0.99))
	s.run.Metric("compute_slowdown", 1-together/(rate*share))
	s.run.Metric("compute_loss", 1-together/rate)
	return decimal(result.Answered), nil
}

// under puts the load on, and returns what came of it and the CPU time of this process meanwhile.
func (s *saturation) under(l load) (*loadResult, time.Duration, error) {
	before, _ := bench.CPUTime()
	result, err := putLoad(s.run, l)
	after, _ := bench.CPUTime()
	return result, after - before, err
}

// rate returns how much is computed in a nanosecond while during runs.
func (s *saturation) rate(during func() error) (float64, error) {
	from, begin := s.computed.Load(), time.Now()
	err := during()
	return float64(s.computed.Load()-from) / float64(time.Since(begin)), err
}

// timers sleeps again and again.
func (s *saturation) timers() {
	defer s.all.Done()
	var late []float64
	for !s.stop.Load() {
		begin := time.Now()
		if s.sleep() != nil {
			break
		}
		if s.loaded.Load() {
			late = append(late, float64(time.Since(begin)-time.Millisecond))
		}
	}
	s.mu.Lock()
	s.late = append(s.late, late...)
	s.mu.Unlock()
}

// pause waits on the calling goroutine.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
