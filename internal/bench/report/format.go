package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
)

// Formats are the names that Write takes.
var Formats = []string{"table", "json", "csv", "benchstat"}

// Write writes the document in the named format.
func (d *Document) Write(w io.Writer, format string) error {
	switch format {
	case "table":
		return d.writeTable(w)
	case "json":
		return writeJSON(w, d)
	case "csv":
		return d.writeCSV(w)
	case "benchstat":
		return d.writeBenchstat(w)
	}
	return fmt.Errorf("unknown format %q", format)
}

// columns are the metrics that the table has columns for, or leaves out. The others follow as name=value.
var columns = []string{"speedup", "ideal_speedup", "limit_speedup", "probe_ns", "allocs_per_task", "bytes_per_task", "cpu_fraction"}

func (d *Document) writeTable(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s, %d CPUs, %s/%s, %s\n\n", orUnknown(d.Host.CPU), d.Host.CPUs, d.Host.OS, d.Host.Arch, d.Host.Go)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	const empty = "\t\t\t\t\t\t"
	fmt.Fprintln(t, "workload\tn\truntime\tworkers\tmedian\t±\tper task\tspeed-up\tallocs\tCPUs\t")
	last := ""
	for _, r := range d.Results {
		if last != "" && last != r.Workload {
			fmt.Fprintln(t, "\t\t\t\t"+empty)
		}
		last = r.Workload
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t", r.Workload, strings.TrimSpace(r.N+" "+r.Variant), r.Runtime, r.Workers)
		if len(r.WallNs) > 0 {
			fmt.Fprintf(t, "%s\t%s\t%s/%s\t", duration(r.MedianNs), spread(r), duration(r.NsPerTask), r.Unit)
			fmt.Fprintf(t, "%s\t%s\t%s\t", speedup(r), metric(r, "allocs_per_task"), metric(r, "cpu_fraction"))
		} else {
			fmt.Fprint(t, empty)
		}
		fmt.Fprintln(t, strings.Join(remarks(r), ", "))
	}
	t.Flush() // to memory: there is no error
	return writeTrimmed(w, b.String())
}

// writeTrimmed writes the lines without the blanks at their ends, where a tabwriter fills up empty cells.
func writeTrimmed(w io.Writer, text string) error {
	for line := range strings.Lines(text) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// speedup writes the metric, and what would be ideal, or the most that the machine's memory allows, where that is known.
func speedup(r bench.Result) string {
	s := metric(r, "speedup")
	if ideal := metric(r, "ideal_speedup"); ideal != "" {
		s += " (ideal " + ideal + ")"
	}
	if limit := metric(r, "limit_speedup"); limit != "" {
		s += " (limit " + limit + ")"
	}
	return s
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown CPU"
	}
	return s
}

// remarks are what the table has no column for.
func remarks(r bench.Result) []string {
	var all []string
	if !r.Verified {
		first, _, _ := strings.Cut(r.Error, "\n")
		all = append(all, "FAILED: "+first)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Metrics)) {
		if !slices.Contains(columns, name) {
			all = append(all, name+"="+number(r.Metrics[name]))
		}
	}
	return all
}

func metric(r bench.Result, name string) string {
	v, ok := r.Metrics[name]
	if !ok {
		return ""
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// number writes three digits or more.
func number(v float64) string {
	if math.Abs(v) >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// duration writes nanoseconds with three digits and a fitting unit.
func duration(ns float64) string {
	for _, u := range []struct {
		ns   float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}} {
		if math.Abs(ns) >= u.ns*0.9995 {
			return number(ns/u.ns) + u.name
		}
	}
	return number(ns) + "ns"
}

// spread is how far the run that is farthest off is from the median.
func spread(r bench.Result) string {
	lo, hi := float64(slices.Min(r.WallNs)), float64(slices.Max(r.WallNs))
	if len(r.WallNs) < 2 || r.MedianNs <= 0 {
		return ""
	}
	return fmt.Sprintf("%.0f%%", 100*max(hi-r.MedianNs, r.MedianNs-lo)/r.MedianNs)
}

func (d *Document) writeCSV(w io.Writer) error {
	names := map[string]bool{}
	for _, r := range d.Results {
		for name := range r.Metrics {
			names[name] = true
		}
	}
	metrics := slices.Sorted(maps.Keys(names))
	c := csv.NewWriter(w)
	header := []string{
		"workload", "variant", "runtime", "workers", "n", "unit", "tasks", "runs",
		"median_ns", "min_ns", "max_ns", "ns_per_task", "result", "verified", "error",
	}
	c.Write(append(header, metrics...)) // the error, if any, is the writer's and comes out of c.Error
	exact := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	for _, r := range d.Results {
		var lo, hi int64
		if len(r.WallNs) > 0 {
			lo, hi = slices.Min(r.WallNs), slices.Max(r.WallNs)
		}
		row := []string{
			r.Workload, r.Variant, string(r.Runtime), strconv.Itoa(r.Workers), r.N, r.Unit,
			strconv.FormatInt(r.Tasks, 10), strconv.Itoa(len(r.WallNs)),
			exact(r.MedianNs), strconv.FormatInt(lo, 10), strconv.FormatInt(hi, 10), exact(r.NsPerTask),
			r.Result, strconv.FormatBool(r.Verified), r.Error,
		}
		for _, name := range metrics {
			if v, ok := r.Metrics[name]; ok {
				row = append(row, exact(v))
			} else {
				row = append(row, "")
			}
		}
		c.Write(row)
	}
	c.Flush()
	return c.Error()
}

// writeBenchstat writes a line for each run in the format of go test -bench, which benchstat reads. The parameters are in
// the name as key=value, so that benchstat -col /runtime sets the runtimes side by side.
func (d *Document) writeBenchstat(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "goos: %s\ngoarch: %s\npkg: github.com/pinwheel-sched/pinwheel/cmd/schedbench\n", d.Host.OS, d.Host.Arch); err != nil {
		return err
	}
	if d.Host.CPU != "" {
		fmt.Fprintf(w, "cpu: %s\n", d.Host.CPU)
	}
	for _, r := range d.Results {
		if !r.Verified {
			continue
		}
		memory := ""
		for _, unit := range []struct{ metric, name string }{{"allocs_per_task", "allocs/task"}, {"bytes_per_task", "B/task"}} {
			if v, ok := r.Metrics[unit.metric]; ok {
				memory += fmt.Sprintf(" %g %s", v, unit.name)
			}
		}
		for _, ns := range r.WallNs {
			perTask := float64(ns) / float64(r.Tasks)
			if _, err := fmt.Fprintf(w, "%s 1 %d ns/op %g ns/task%s\n", benchmarkName(r), ns, perTask, memory); err != nil {
				return err
			}
		}
	}
	return nil
}

// benchmarkName turns pair-cold into BenchmarkPairCold/n=100/runtime=serial/workers=1.
func benchmarkName(r bench.Result) string {
	var b strings.Builder
	b.WriteString("Benchmark")
	for word := range strings.SplitSeq(r.Workload, "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	fmt.Fprintf(&b, "/n=%s", nameable(r.N))
	for option := range strings.FieldsSeq(r.Variant) {
		fmt.Fprintf(&b, "/%s", nameable(option))
	}
	fmt.Fprintf(&b, "/runtime=%s/workers=%d", r.Runtime, r.Workers)
	return b.String()
}

// nameable replaces what ends a name or a part of it.
func nameable(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '/' || unicode.IsSpace(c) {
			return '_'
		}
		return c
	}, s)
}
