package bench

import (
	"context"
	"encoding/json"
	"runtime"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench/stat"
)

// An outcome is what one run came to.
type outcome struct {
	answer  string
	wall    time.Duration
	metrics map[string]float64
	stats   json.RawMessage
}

// execute gives the body its runtime, runs it, and takes the runtime down again. A pool lives as long as the run, so that it
// cannot disturb the runs of the others, and is warm when the clock starts.
func execute(ctx context.Context, job *Job, row *Result, body Body, s Settings) (o outcome, err error) {
	switch row.Runtime {
	case Goroutines:
		before := runtime.GOMAXPROCS(row.Workers)
		defer runtime.GOMAXPROCS(before)
	case Pinwheel:
		p, err := startPool(ctx, row.Workers, s.Scheduler)
		if err != nil {
			return outcome{}, err
		}
		defer func() {
			o.stats = p.stats()
			p.close()
		}()
		ctx = p.ctx
	}
	runtime.GC() // nobody collects the garbage of the run before
	o, err = repeat(ctx, job, row.Workers, body, s.Least)
	if err == nil && job.Probe != nil && row.Runtime == Pinwheel {
		o.metrics["probe_ns"] = float64(probe(job, row.Workers, s.Least))
	}
	return o, err
}

// probe returns the median time of the job's probe, once it has run for long enough. The first time is not counted.
func probe(job *Job, workers int, least time.Duration) time.Duration {
	job.Probe(workers)
	var walls []float64
	for begin := time.Now(); ; {
		start := time.Now()
		job.Probe(workers)
		walls = append(walls, float64(time.Since(start)))
		if time.Since(begin) >= least {
			return time.Duration(stat.Median(walls))
		}
	}
}

// repeat runs the body until it has taken long enough to be measured.
func repeat(ctx context.Context, job *Job, workers int, body Body, least time.Duration) (outcome, error) {
	var (
		o         outcome
		memory    allocated // by runs that know what they prepared
		counted   bool
		walls     []float64
		wall, cpu time.Duration
		times     int
		verified  bool
	)
	before := allocations()
	begin := time.Now()
	for {
		r := NewRun(ctx, workers)
		answer, err := body(r)
		r.Stop()
		if err == nil && (!verified || answer != o.answer) {
			err = job.Verify(answer)
		}
		o.answer, verified, o.metrics = answer, true, r.metrics
		if err != nil {
			return o, err
		}
		walls = append(walls, float64(r.wall))
		wall += r.wall
		cpu += r.cpu
		memory, counted = memory.plus(r.during), r.counts
		times++
		if r.samples > 0 {
			times = r.samples
			break
		}
		if time.Since(begin) >= least || ctx.Err() != nil {
			break
		}
	}
	o.wall = time.Duration(stat.Median(walls))
	if !counted {
		memory = allocations().since(before)
	}

	tasks := float64(times) * float64(job.Tasks)
	o.metrics["allocs_per_task"] = float64(memory.objects) / tasks
	o.metrics["bytes_per_task"] = float64(memory.bytes) / tasks
	_, own := o.metrics["cpu_fraction"]
	if _, known := CPUTime(); known && !own && wall > 0 {
		o.metrics["cpu_fraction"] = float64(cpu) / float64(wall)
	}
	return o, nil
}
