package main

import (
	"fmt"
	"slices"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/internal/bench/report"
)

// suite is all that the bare command measured.
func suite(d *report.Document) (string, error) {
	n, err := workers(d)
	if err != nil {
		return "", err
	}
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
			t = append(t, cpuRow(d, r))
			continue
		}
		row := []string{name, r.Unit}
		for _, rt := range bench.Runtimes {
			row = append(row, cell(d, r, rt, perTask))
		}
		for _, rt := range []bench.Runtime{bench.Pinwheel, bench.Goroutines} {
			row = append(row, cell(d, r, rt, speedup))
		}
		t = append(t, row)
		if r.Workload == "trickle" {
			t = append(t, cpuRow(d, r))
		}
	}
	if len(seen) == 0 {
		return "", fmt.Errorf("nothing was measured")
	}
	return fmt.Sprintf("On %s, with %s, medians of %d runs; speed-ups are over serial code:\n\n", machine(d), n, d.Settings.Count) + t.String(), nil
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
func cpuRow(d *report.Document, like bench.Result) []string {
	row := []string{"`" + like.Workload + "`", "share of a CPU"}
	for _, rt := range bench.Runtimes {
		row = append(row, cell(d, like, rt, func(r *bench.Result) string {
			return fmt.Sprintf("%.1f %%", 100*r.Metrics["cpu_fraction"])
		}))
	}
	return append(row, "", "")
}
