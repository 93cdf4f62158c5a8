package bench

import (
	"context"
	"runtime"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench/stat"
)

// A Run is one execution of a body. Its clock runs when the body gets it. A Run is used by the body's goroutine only.
type Run struct {
	Context context.Context // carries the scheduler, on pinwheel
	Workers int             // 1 for serial code

	since    time.Time
	cpuSince time.Duration // CPU time of the process at that time
	wall     time.Duration
	cpu      time.Duration // that the process spent meanwhile
	stopped  bool
	counts   bool      // allocations apart from those of the preparation
	before   allocated // when it was over
	during   allocated // since then
	samples  int
	metrics  map[string]float64
}

// NewRun returns a run with its clock running.
func NewRun(ctx context.Context, workers int) *Run {
	r := &Run{Context: ctx, Workers: workers, metrics: map[string]float64{}}
	r.start()
	return r
}

// Start sets the clock to nothing and lets it run: what the body did before was preparation.
func (r *Run) Start() {
	r.counts, r.before = true, allocations()
	r.start()
}

func (r *Run) start() {
	r.wall, r.stopped = 0, false
	r.cpuSince, _ = CPUTime()
	r.since = time.Now()
}

// Stop stops the clock: what the body does from here on is looking at the answer.
func (r *Run) Stop() {
	if !r.stopped {
		r.wall, r.stopped = time.Since(r.since), true
		now, _ := CPUTime()
		r.cpu = now - r.cpuSince
		if r.counts {
			r.during = allocations().since(r.before)
		}
	}
}

// Wall returns the time of the run, once the clock has stopped.
func (r *Run) Wall() time.Duration { return r.wall }

// Samples says that the run was a series of separate measurements, of which ds are the times. The time of the run is then
// their median; the metrics p50_ns, p99_ns and mean_ns tell the rest. A run with samples is not repeated.
func (r *Run) Samples(ds []time.Duration) {
	ns := make([]float64, len(ds))
	for i, d := range ds {
		ns[i] = float64(d)
	}
	median := stat.Median(ns)
	r.Stop()
	r.wall, r.samples = time.Duration(median), len(ds)
	r.Metric("p50_ns", median)
	r.Metric("p99_ns", stat.Quantile(ns, 0.99))
	r.Metric("mean_ns", stat.Mean(ns))
}

// Metric reports a figure besides the time. The result shows the median of it over the runs.
func (r *Run) Metric(name string, value float64) { r.metrics[name] = value }

// allocated is how much has been allocated.
type allocated struct{ objects, bytes uint64 }

// allocations returns what the process has allocated up to now. It stops the process for a moment.
func allocations() allocated {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return allocated{m.Mallocs, m.TotalAlloc}
}

func (a allocated) since(b allocated) allocated {
	return allocated{a.objects - b.objects, a.bytes - b.bytes}
}

func (a allocated) plus(b allocated) allocated {
	return allocated{a.objects + b.objects, a.bytes + b.bytes}
}
