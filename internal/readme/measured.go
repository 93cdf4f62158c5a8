package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/internal/bench/report"
)

// A Measured is what the tables are made of: two runs of schedbench.
type Measured struct {
	Forks *report.Document `json:"forks"` // one worker, many runs, for costs of nanoseconds
	Suite *report.Document `json:"suite"` // everything
}

// measure runs schedbench and writes what it measured to a file.
func measure(schedbench, file string) error {
	var m Measured
	for _, r := range []struct {
		to   **report.Document
		args []string
	}{
		{&m.Forks, []string{"run", "fib", "fib-closure", "--workers", "1", "--count", "12", "--json"}},
		{&m.Suite, []string{"--json"}},
	} {
		cmd := exec.Command(schedbench, r.args...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("schedbench %s: %w", strings.Join(r.args, " "), err)
		}
		if err := json.Unmarshal(out, r.to); err != nil {
			return fmt.Errorf("schedbench %s: %w", strings.Join(r.args, " "), err)
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// readMeasured reads what measure wrote.
func readMeasured(file string) (m Measured, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("%s: %w", file, err)
	}
	if m.Forks == nil || m.Suite == nil {
		return m, fmt.Errorf("%s: a run of schedbench is missing; make readme measures anew", file)
	}
	return m, nil
}

// measuredOn returns a result that must be there, and right.
func measuredOn(d *report.Document, workload, variant string, rt bench.Runtime) (*bench.Result, error) {
	switch r := find(d, workload, variant, rt); {
	case r == nil:
		return nil, fmt.Errorf("%s %s on %s was not measured", workload, variant, rt)
	case !r.Verified:
		return nil, fmt.Errorf("%s %s on %s failed", workload, variant, rt)
	default:
		return r, nil
	}
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

// machine says what it was measured on, and when.
func machine(d *report.Document) string {
	return fmt.Sprintf("%s, %s, %s/%s, %s, %s",
		d.Host.CPU, count(d.Host.CPUs, "CPU"), d.Host.OS, d.Host.Arch, d.Host.Go, d.Settings.Time.Format(time.DateOnly))
}

// workers says how many workers pinwheel had. A table is of one number of them.
func workers(d *report.Document) (string, error) {
	if len(d.Settings.Workers) != 1 {
		return "", fmt.Errorf("measured with %v workers; a table is of one number of them", d.Settings.Workers)
	}
	return count(d.Settings.Workers[0], "worker"), nil
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func perTask(r *bench.Result) string { return nanoseconds(r.NsPerTask) }

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

func kibibytes(bytes float64) string { return fmt.Sprintf("%.1f KiB", bytes/1024) }
