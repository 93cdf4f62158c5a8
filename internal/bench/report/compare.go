package report

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/internal/bench/stat"
)

// significance is the probability of chance below which a difference counts: of twenty comparisons of equal things one finds
// a difference. It is that of benchstat, as is the test.
const significance = 0.05

// A Comparison is what changed between two documents.
type Comparison struct {
	Schema    int      `json:"schema"`
	FailAbove float64  `json:"fail_above"` // the slowdown that is a regression, as a fraction
	Rows      []Change `json:"rows"`
	GeoMean   float64  `json:"geomean"` // of new over old, over all rows; 1 if there is none
	Notes     []string `json:"notes"`
}

// A Change is what became of one result.
type Change struct {
	Workload    string        `json:"workload"`
	Variant     string        `json:"variant,omitempty"`
	Runtime     bench.Runtime `json:"runtime"`
	Workers     int           `json:"workers"`
	N           string        `json:"n"`
	OldNs       float64       `json:"old_ns"`
	NewNs       float64       `json:"new_ns"`
	Delta       float64       `json:"delta"` // new over old, less one
	P           float64       `json:"p"`
	Significant bool          `json:"significant"`
	Regression  bool          `json:"regression"`

	old, new []float64
}

// Compare compares the results that both documents have. A result is a regression if its times are significantly different
// and its median is slower by more than the fraction failAbove.
func Compare(older, newer *Document, failAbove float64) *Comparison {
	c := &Comparison{Schema: Schema, FailAbove: failAbove, Rows: []Change{}, Notes: []string{}}
	if older.Host != newer.Host {
		c.note("the hosts differ: %s, %d CPUs, %s before; %s, %d CPUs, %s now",
			orUnknown(older.Host.CPU), older.Host.CPUs, older.Host.Go, orUnknown(newer.Host.CPU), newer.Host.CPUs, newer.Host.Go)
	}
	before := map[string]bench.Result{}
	for _, r := range older.Results {
		before[key(r)] = r
	}
	few := 0
	var ratios []float64
	for _, r := range newer.Results {
		o, ok := before[key(r)]
		delete(before, key(r))
		switch {
		case !ok:
			c.note("only in the new file: %s", key(r))
			continue
		case !r.Verified || !o.Verified:
			c.note("not compared, because a run failed: %s", key(r))
			continue
		}
		change := changeOf(o, r, failAbove)
		if stat.LeastP(len(o.WallNs), len(r.WallNs)) >= significance {
			few++
		}
		c.Rows = append(c.Rows, change)
		ratios = append(ratios, change.Delta+1)
	}
	for _, r := range older.Results {
		if _, left := before[key(r)]; left {
			c.note("only in the old file: %s", key(r))
		}
	}
	if few > 0 {
		c.note("%d of the results have too few runs for any difference to be significant; four on each side are enough", few)
	}
	c.GeoMean = 1
	if len(ratios) > 0 {
		c.GeoMean = stat.GeoMean(ratios)
	}
	return c
}

func (c *Comparison) note(format string, args ...any) {
	c.Notes = append(c.Notes, fmt.Sprintf(format, args...))
}

// key is what two results must have in common to be compared.
func key(r bench.Result) string {
	s := r.Workload
	if r.Variant != "" {
		s += " " + r.Variant
	}
	return fmt.Sprintf("%s n=%s on %s, workers %d", s, r.N, r.Runtime, r.Workers)
}

func changeOf(o, n bench.Result, failAbove float64) Change {
	c := Change{
		Workload: n.Workload, Variant: n.Variant, Runtime: n.Runtime, Workers: n.Workers, N: n.N,
		old: floats(o.WallNs), new: floats(n.WallNs),
	}
	c.OldNs, c.NewNs = stat.Median(c.old), stat.Median(c.new)
	c.Delta = c.NewNs/c.OldNs - 1
	c.P = stat.MannWhitney(c.old, c.new)
	c.Significant = c.P < significance
	c.Regression = c.Significant && c.Delta > failAbove
	return c
}

func floats(ns []int64) []float64 {
	fs := make([]float64, len(ns))
	for i, v := range ns {
		fs[i] = float64(max(v, 1))
	}
	return fs
}

// Regressions returns how many there are.
func (c *Comparison) Regressions() int {
	n := 0
	for _, r := range c.Rows {
		if r.Regression {
			n++
		}
	}
	return n
}

// WriteJSON writes the comparison for programs.
func (c *Comparison) WriteJSON(w io.Writer) error { return writeJSON(w, c) }

// Write writes the comparison for people.
func (c *Comparison) Write(w io.Writer) error {
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "workload\tn\truntime\tworkers\told\tnew\tdelta\t\t")
	for _, r := range c.Rows {
		delta, verdict := "~", ""
		if r.Significant {
			delta = fmt.Sprintf("%+.2f%%", 100*r.Delta)
		}
		if r.Regression {
			verdict = "REGRESSION"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\t%s\tp=%.3f n=%d+%d\t%s\n",
			r.Workload, strings.TrimSpace(r.N+" "+r.Variant), r.Runtime, r.Workers,
			withInterval(r.OldNs, r.old), withInterval(r.NewNs, r.new), delta, r.P, len(r.old), len(r.new), verdict)
	}
	if len(c.Rows) > 0 {
		fmt.Fprintf(t, "geomean\t\t\t\t\t\t%+.2f%%\t\n", 100*(c.GeoMean-1))
	}
	t.Flush() // to memory: there is no error
	for _, note := range c.Notes {
		fmt.Fprintln(&b, "note:", note)
	}
	return writeTrimmed(w, b.String())
}

// withInterval writes a median and how far its 95 % confidence interval goes.
func withInterval(median float64, sample []float64) string {
	lo, hi := stat.MedianInterval(sample, 0.95)
	off := max(hi-median, median-lo) / median
	if math.IsInf(off, 0) {
		return duration(median) + " ± ∞"
	}
	return fmt.Sprintf("%s ± %.0f%%", duration(median), 100*off)
}
