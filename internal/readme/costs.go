package main

import (
	"fmt"
	"math"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/internal/bench/report"
)

// costs is the small table: what one needs to know to choose, the rows that goroutines win among it.
func costs(m Measured) (string, error) {
	if m.Forks.Host != m.Suite.Host {
		return "", fmt.Errorf("measured on two machines: %+v and %+v", m.Forks.Host, m.Suite.Host)
	}
	one, err := workers(m.Forks)
	if err != nil {
		return "", err
	}
	all, err := workers(m.Suite)
	if err != nil {
		return "", err
	}
	t := table{{"", "pinwheel", "goroutines", "serial code"}}
	for _, r := range []struct{ workload, what string }{
		{"fib", "a fork and its join, typed (`NewFork`)"},
		{"fib-closure", "the same with closures (`Join`)"},
	} {
		row, err := forkRow(m.Forks, r.workload)
		if err != nil {
			return "", err
		}
		t = append(t, append([]string{r.what}, row...))
	}
	for _, r := range small {
		row := []string{r.what}
		for _, rt := range bench.Runtimes {
			if rt == bench.Serial && !r.serial {
				row = append(row, "")
				continue
			}
			result, err := measuredOn(m.Suite, r.workload, r.variant, rt)
			if err != nil {
				return "", err
			}
			row = append(row, r.show(result))
		}
		t = append(t, row)
	}
	return fmt.Sprintf("On %s. Forks: %s, the fastest of %d runs, less the call that serial code makes. All else: %s, medians of %d runs.\n\n",
		machine(m.Forks), one, m.Forks.Settings.Count, all, m.Suite.Settings.Count) + t.String(), nil
}

// small says what of the suite is in the small table.
var small = []struct {
	what, workload, variant string
	serial                  bool // whether serial code does the same
	show                    func(*bench.Result) string
}{
	{"an item of a microsecond in a loop (`For`)", "for", "", true, perTask},
	{"two tasks of 50 µs, again and again", "pair-hot", "", true, perTask},
	{"two tasks of 50 µs, after a rest", "pair-cold", "", true, perTask},
	{"to start a task and await it (`Go`)", "go-await", "", false, perTask},
	{"a round trip between two tasks", "pingpong", "", false, perTask},
	{"a request to an echo server, 64 connections", "echo", "conns=64 size=64 style=readable", false, perTask},
	{"a request while all cores compute, 99th percentile", "saturated", "", false, func(r *bench.Result) string {
		return nanoseconds(r.Metrics["p99_ns"])
	}},
	{"memory of an idle connection", "idle-conns", "style=readable", false, func(r *bench.Result) string {
		return kibibytes(r.Metrics["bytes_per_conn"])
	}},
}

// forkRow is what a fork and its join cost by themselves: the time of a fork less that of the serial code's call.
func forkRow(d *report.Document, workload string) ([]string, error) {
	serial, err := measuredOn(d, workload, "", bench.Serial)
	if err != nil {
		return nil, err
	}
	var row []string
	for _, rt := range []bench.Runtime{bench.Pinwheel, bench.Goroutines} {
		r, err := measuredOn(d, workload, "", rt)
		if err != nil {
			return nil, err
		}
		row = append(row, nanoseconds(leastPerTask(r)-leastPerTask(serial))+", "+count(int(math.Round(r.Metrics["allocs_per_task"])), "allocation"))
	}
	return append(row, ""), nil
}
