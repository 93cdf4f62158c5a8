package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/internal/bench/report"
)

// costs is what a fork and its join cost by themselves: the time of one worker less the time of the serial code, a fork.
func costs(m Measured) (string, error) {
	t := table{{"a fork and its join, less the call that serial code makes", "pinwheel", "goroutine", "allocations"}}
	for _, r := range []struct{ workload, what string }{
		{"fib", "typed (`NewFork`)"},
		{"fib-closure", "with closures (`Join`)"},
	} {
		var rows [3]*bench.Result
		for i, rt := range []bench.Runtime{bench.Pinwheel, bench.Goroutines, bench.Serial} {
			if rows[i] = find(m.Forks, r.workload, "", rt); rows[i] == nil {
				return "", fmt.Errorf("%s on %s was not measured", r.workload, rt)
			}
		}
		serial := leastPerTask(rows[2])
		t = append(t, []string{
			r.what,
			nanoseconds(leastPerTask(rows[0]) - serial),
			nanoseconds(leastPerTask(rows[1]) - serial),
			fmt.Sprintf("%.0f, %.0f", rows[0].Metrics["allocs_per_task"], rows[1].Metrics["allocs_per_task"]),
		})
	}
	return on(m.Forks, "one worker, the fastest of %d runs") + t.String(), nil
}

// suite is what the bare command measured.
func suite(d *report.Document) (string, error) {
	t := table{{"workload", "time of", "pinwheel", "goroutines", "serial", "speed-up, pinwheel", "speed-up, goroutines"}}
	var seen []string
	for _, r := range d.Results {
		key := r.Workload + " " + r.Variant
		if slices.Contains(seen, key) {
			continue
		}
		seen = append(seen, key)
		name := "`" + r.Workload + "`"
		if r.Variant != "" {
			name += ", " + r.Variant
		}
		if r.Workload == "idle" { // its time is given; what it costs is not
			t = append(t, cpuRow(d, r, "idle"))
			continue
		}
		row := []string{name, r.Unit}
		for _, rt := range bench.Runtimes {
			row = append(row, cell(d, r, rt, func(r *bench.Result) string { return nanoseconds(r.NsPerTask) }))
		}
		for _, rt := range []bench.Runtime{bench.Pinwheel, bench.Goroutines} {
			row = append(row, cell(d, r, rt, speedup))
		}
		t = append(t, row)
		if r.Workload == "trickle" {
			t = append(t, cpuRow(d, r, "trickle"))
		}
	}
	if len(seen) == 0 {
		return "", fmt.Errorf("nothing was measured")
	}
	return on(d, "2 workers, medians of %d runs; speed-ups are over serial code") + t.String(), nil
}

// speedup says how much faster than serial code a result is, if there is any to compare with.
func speedup(r *bench.Result) string {
	s, known := r.Metrics["speedup"]
	if !known {
		return ""
	}
	return fmt.Sprintf("%.2f", s)
}

// cpuRow says how much of a CPU a workload takes on each runtime.
func cpuRow(d *report.Document, like bench.Result, name string) []string {
	row := []string{"`" + name + "`", "share of a CPU"}
	for _, rt := range bench.Runtimes {
		row = append(row, cell(d, like, rt, func(r *bench.Result) string {
			return strconv.FormatFloat(100*r.Metrics["cpu_fraction"], 'f', 1, 64) + " %"
		}))
	}
	return append(row, "", "")
}

// cell is what a runtime's result shows, if it was measured.
func cell(d *report.Document, like bench.Result, rt bench.Runtime, show func(*bench.Result) string) string {
	r := find(d, like.Workload, like.Variant, rt)
	switch {
	case r == nil:
		return ""
	case !r.Verified:
		return "failed"
	}
	return show(r)
}

func find(d *report.Document, workload, variant string, rt bench.Runtime) *bench.Result {
	for i, r := range d.Results {
		if r.Workload == workload && r.Variant == variant && r.Runtime == rt {
			return &d.Results[i]
		}
	}
	return nil
}

// on says what was measured on what, and when.
func on(d *report.Document, how string) string {
	return fmt.Sprintf("On %s, %d CPUs, %s/%s, %s, %s, "+how+":\n\n",
		d.Host.CPU, d.Host.CPUs, d.Host.OS, d.Host.Arch, d.Host.Go, d.Settings.Time.Format(time.DateOnly), d.Settings.Count)
}

func leastPerTask(r *bench.Result) float64 {
	return float64(slices.Min(r.WallNs)) / float64(r.Tasks)
}

// nanoseconds writes a duration with two or three digits.
func nanoseconds(ns float64) string {
	unit := "ns"
	for _, u := range []string{"µs", "ms", "s"} {
		if ns < 999.5 {
			break
		}
		ns, unit = ns/1000, u
	}
	digits := 0
	if ns < 9.95 {
		digits = 1
	}
	return strconv.FormatFloat(ns, 'f', digits, 64) + " " + unit
}
