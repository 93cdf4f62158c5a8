package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/pinwheel-sched/pinwheel/sched"
)

// Settings say how to measure.
type Settings struct {
	Runtimes []Runtime
	Workers  []int         // numbers of workers; serial code always has one
	Count    int           // runs that are recorded, for each runtime and number of workers
	Warmup   int           // runs before them that are not
	Least    time.Duration // what is over sooner is repeated

	// Scheduler has the options of pinwheel's schedulers, beside the number of workers.
	Scheduler []sched.Option

	// Progress is called before each run, if it is not nil.
	Progress func(done, total int, what string)
}

// A Plan is a list of workloads to measure. The zero value is empty.
type Plan struct{ units []*unit }

// A unit is one workload of one size: what Measure interleaves the runtimes of.
type unit struct {
	workload *Workload
	params   Params
	build    Build
	rows     []*series
}

// Add puts a workload into the plan, once for each combination of its options' values. The options that are not given have
// their defaults. Its error is the user's: a parameter that does not fit.
func (p *Plan) Add(w *Workload, n string, seed uint64, options map[string]string) error {
	for _, params := range w.every(n, seed, options) {
		build, err := w.Prepare(params)
		if err != nil {
			return fmt.Errorf("%s: %w", w.Name, err)
		}
		p.units = append(p.units, &unit{workload: w, params: params, build: build})
	}
	return nil
}

// ErrInterrupted is what Measure returns when its context ended before the plan was done.
var ErrInterrupted = errors.New("interrupted")

// Measure runs the plan. It returns what was finished, and ErrInterrupted if that is not all of it. A run that fails or
// gives a wrong answer is an error in its result, not of Measure, and ends that series only.
func (p *Plan) Measure(ctx context.Context, s Settings) ([]Result, error) {
	results := []Result{}
	for i, u := range p.units {
		err := u.measure(ctx, s, func(what string) {
			if s.Progress != nil {
				s.Progress(i, len(p.units), what)
			}
		})
		results = append(results, u.results()...)
		if err != nil {
			return results, err
		}
	}
	return results, nil
}

// measure builds the job, which it lets go of at the end so that it is no burden for the next, and runs the rows in turn,
// round by round.
func (u *unit) measure(ctx context.Context, s Settings, progress func(what string)) error {
	progress("preparing " + u.workload.Name)
	job, err := within(ctx, 0, func() (*Job, error) { return u.build(ctx) })
	if ctx.Err() != nil {
		return ErrInterrupted
	}
	if err != nil {
		job = &Job{}
	}
	u.start(job, s)
	defer u.finish(job)
	for _, row := range u.rows {
		if err != nil {
			row.out.Error = err.Error()
		}
	}
	for round := -s.Warmup; round < s.Count; round++ {
		for _, row := range u.rows {
			if row.out.Error != "" {
				continue
			}
			progress(fmt.Sprintf("%s on %s (workers: %d)", row.out.Workload, row.out.Runtime, row.out.Workers))
			o, err := within(ctx, grace, func() (outcome, error) { return execute(ctx, job, &row.out, row.body, s) })
			switch {
			case ctx.Err() != nil:
				return ErrInterrupted
			case err != nil:
				row.out.Error, row.out.Result = err.Error(), o.answer
			case round >= 0:
				row.record(o)
			}
		}
	}
	return nil
}

// grace is how long a run that is going on when the context ends may take to notice.
const grace = time.Second

// within calls fn on a goroutine and waits for it, but once the context has ended only for the given time. What takes longer
// goes on behind the caller's back. A panic of fn is an error.
func within[T any](ctx context.Context, grace time.Duration, fn func() (T, error)) (T, error) {
	type ending struct {
		value T
		err   error
	}
	done := make(chan ending, 1)
	go func() {
		var e ending
		defer func() {
			if p := recover(); p != nil {
				e.err = fmt.Errorf("panic: %v\n\n%s", p, debug.Stack())
			}
			done <- e
		}()
		e.value, e.err = fn()
	}()
	select {
	case e := <-done:
		return e.value, e.err
	case <-ctx.Done():
	}
	select {
	case e := <-done:
		return e.value, e.err
	case <-time.After(grace):
		var none T
		return none, context.Cause(ctx)
	}
}

// start makes the rows.
func (u *unit) start(job *Job, s Settings) {
	for _, rt := range s.Runtimes {
		body := job.Bodies[rt]
		if body == nil && job.Bodies != nil {
			continue // the workload has no such form
		}
		workers := s.Workers
		if rt == Serial {
			workers = []int{1}
		}
		for _, k := range workers {
			u.rows = append(u.rows, &series{
				out: Result{
					Workload: u.workload.Name,
					Variant:  u.params.variant(u.workload.Options),
					Runtime:  rt,
					Workers:  k,
					N:        u.params.N,
					Unit:     u.workload.Unit,
					Tasks:    job.Tasks,
					WallNs:   []int64{},
					Metrics:  map[string]float64{},
					Stats:    json.RawMessage("{}"),
				},
				body:    body,
				metrics: map[string][]float64{},
			})
		}
	}
}

// finish sums up the rows and adds the metrics that relate them to the serial one.
func (u *unit) finish(job *Job) {
	rows := u.rows
	for _, row := range rows {
		row.finish()
	}
	i := slices.IndexFunc(rows, func(row *series) bool { return row.out.Runtime == Serial && row.out.Verified })
	for k, row := range rows {
		if job.Ideal && row.out.Verified {
			row.out.Metrics["cpu_busy"] = row.out.Metrics["cpu_fraction"] / float64(row.out.Workers)
		}
		if i < 0 || k == i || !row.out.Verified || row.out.MedianNs == 0 {
			continue
		}
		serial := rows[i]
		row.out.Metrics["speedup"] = serial.out.MedianNs / row.out.MedianNs
		if cpus := serial.out.Metrics["cpu_fraction"]; job.Ideal && cpus > 0 {
			row.out.Metrics["ideal_speedup"] = float64(row.out.Workers) / max(cpus, 1)
		}
		if ns := row.out.Metrics["probe_ns"]; ns > 0 {
			row.out.Metrics["limit_speedup"] = serial.out.MedianNs / ns
		}
	}
}

// results returns the rows that have something to show.
func (u *unit) results() []Result {
	var results []Result
	for _, row := range u.rows {
		if len(row.out.WallNs) > 0 || row.out.Error != "" {
			results = append(results, row.out)
		}
	}
	return results
}
