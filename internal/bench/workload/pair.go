package workload

import (
	"context"
	"sync"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/internal/bench/stat"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// The pairs are the smallest parallel region there is, started by a plain goroutine: two tasks, of which the result is the
// sum of theirs. A run is n of them and its time that of the median pair, so that ns_per_task is what one pair takes. Both
// tasks in turn take 100 us, both at once 50.
//
// Their cpu_fraction is what the process computes besides the tasks, in CPUs: waking, spinning, parking. The tasks' own
// share is the median time of a task times their number; cpu_fraction_total includes it. Serial code shows what the waiting
// between the pairs costs by itself.
var (
	pairCold = &bench.Workload{
		Name: "pair-cold", Doc: "two tasks of 50 us, after 10 ms of rest",
		Size: "pairs", Unit: "pair", N: "100", SuiteN: "20", TestN: "3",
		Prepare: pairJob(pairOf50us, after(10*time.Millisecond)),
	}
	pairHot = &bench.Workload{
		Name: "pair-hot", Doc: "two tasks of 50 us, back to back",
		Size: "pairs", Unit: "pair", N: "2000", SuiteN: "1000", TestN: "20",
		Prepare: pairJob(pairOf50us, atOnce),
	}
	pairEmpty = &bench.Workload{
		Name: "pair-empty", Doc: "two tasks of nothing, back to back",
		Size: "pairs", Unit: "pair", N: "100000", SuiteN: "50000", TestN: "1000",
		Prepare: pairJob(0, atOnce),
	}
	trickle = &bench.Workload{
		Name: "trickle", Doc: "two tasks of 50 us, every 2 ms",
		Size: "pairs", Unit: "pair", N: "500", SuiteN: "100", TestN: "5",
		Prepare: pairJob(pairOf50us, every(2*time.Millisecond)),
	}
)

const pairOf50us = 50 * time.Microsecond

// A rest waits for the time of the next pair. It is told when the first one began, and how many there have been.
type rest func(begin time.Time, pairs int)

func atOnce(time.Time, int) {}

func after(d time.Duration) rest {
	return func(time.Time, int) { time.Sleep(d) }
}

func every(d time.Duration) rest {
	return func(begin time.Time, pairs int) { time.Sleep(time.Until(begin.Add(d * time.Duration(pairs)))) }
}

// A half is one task of a pair.
type half struct {
	x     uint64
	steps int
	took  *time.Duration // nil for an empty task
}

func (h half) run() uint64 {
	if h.took == nil {
		return h.x
	}
	begin := time.Now()
	y := bench.Spin(h.x, h.steps)
	*h.took = time.Since(begin)
	return y
}

func pairJob(task time.Duration, wait rest) func(bench.Params) (bench.Build, error) {
	return func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 10_000_000)
		if err != nil {
			return nil, err
		}
		return bench.Later(func() *bench.Job { return pairsJob(n, task, wait) }), nil
	}
}

func pairsJob(n int, task time.Duration, wait rest) *bench.Job {
	steps := bench.SpinSteps(task)
	times, tasks := make([]time.Duration, n), make([]time.Duration, 2*n)
	body := func(pair func(ctx context.Context, a, b half) (uint64, error)) bench.Body {
		return func(r *bench.Run) (string, error) {
			var sum uint64
			begin := time.Now()
			cpu, known := bench.CPUTime()
			for i := range n {
				wait(begin, i)
				a, b := half{x: uint64(2 * i)}, half{x: uint64(2*i + 1)}
				if task > 0 {
					a.steps, a.took = steps, &tasks[2*i]
					b.steps, b.took = steps, &tasks[2*i+1]
				}
				began := time.Now()
				s, err := pair(r.Context, a, b)
				times[i] = time.Since(began)
				if err != nil {
					return "", err
				}
				sum += s
			}
			spent, _ := bench.CPUTime()
			elapsed := time.Since(begin)
			r.Samples(times)
			if known {
				total := float64(spent-cpu) / float64(elapsed)
				own := medianOf(tasks) * float64(len(tasks)) / float64(elapsed)
				r.Metric("cpu_fraction", max(total-own, 0))
				r.Metric("cpu_fraction_total", total)
			}
			return decimal(sum), nil
		}
	}
	return &bench.Job{
		Tasks: 1,
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel:   body(pairPinwheel),
			bench.Goroutines: body(pairGoroutines),
			bench.Serial:     body(func(_ context.Context, a, b half) (uint64, error) { return a.run() + b.run(), nil }),
		},
		Verify: bench.Answer(decimal(bench.SpinSum(uint64(2*n), steps))),
	}
}

func medianOf(ds []time.Duration) float64 {
	ns := make([]float64, len(ds))
	for i, d := range ds {
		ns[i] = float64(d)
	}
	return stat.Median(ns)
}

var halves = sched.NewFork[half, uint64]()

func pairPinwheel(ctx context.Context, a, b half) (uint64, error) {
	return sched.Run(ctx, func(t *sched.Task) (uint64, error) {
		x, y := halves.Join2(t, halfTask, a, b)
		return x + y, nil
	})
}

func halfTask(_ *sched.Task, h half) uint64 { return h.run() }

func pairGoroutines(_ context.Context, a, b half) (uint64, error) {
	var (
		wg sync.WaitGroup
		x  uint64
	)
	wg.Go(func() { x = a.run() })
	y := b.run()
	wg.Wait()
	return x + y, nil
}
