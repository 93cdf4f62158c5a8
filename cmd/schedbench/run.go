package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/internal/bench/report"
	"github.com/pinwheel-sched/pinwheel/internal/bench/workload"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// leastRun is the time that a run takes at least: a hundred times what the clock, the garbage collector's last words and a
// wake-up can add to it.
const leastRun = 20 * time.Millisecond

// runFlags are the flags of run and of the suite.
type runFlags struct {
	runtimes   string
	workers    string
	n          string
	count      int
	warmup     int
	seed       uint64
	format     string
	json       bool
	cpuprofile string
	trace      string
	options    map[string]string // of the workloads, as far as they are given
}

func (f *runFlags) define(fs *flag.FlagSet, count int) {
	fs.StringVar(&f.runtimes, "runtimes", "pinwheel,goroutines,serial", "`LIST` of runtimes to measure")
	fs.StringVar(&f.workers, "workers", "", "`LIST` of numbers of workers, each of which is measured; as many as a scheduler would have if not given")
	fs.IntVar(&f.count, "count", count, "`RUNS` of each runtime that are recorded")
	fs.IntVar(&f.warmup, "warmup", 1, "`RUNS` before them that are not")
	fs.Uint64Var(&f.seed, "seed", 1, "`NUMBER` that random input starts from")
	fs.StringVar(&f.format, "format", "table", "`FORMAT`: "+strings.Join(report.Formats, ", "))
	fs.BoolVar(&f.json, "json", false, "short for --format json")
	fs.StringVar(&f.cpuprofile, "cpuprofile", "", "`FILE` for a CPU profile of all runs")
	fs.StringVar(&f.trace, "trace", "", "`FILE` for a trace of pinwheel's schedulers, for https://ui.perfetto.dev")
	f.options = map[string]string{}
	for _, name := range optionNames() {
		fs.Func(name, optionUsage(name), func(value string) error {
			f.options[name] = value
			return nil
		})
	}
}

// optionNames returns the names of the options of all workloads, each once.
func optionNames() []string {
	var names []string
	for _, w := range workload.All {
		for _, o := range w.Options {
			if !slices.Contains(names, o.Name) {
				names = append(names, o.Name)
			}
		}
	}
	return names
}

// optionUsage says what an option is, for each workload that has it: the same name may mean different things to them.
func optionUsage(name string) string {
	var docs []string
	takers := map[string][]string{} // by what the option is to them
	for _, w := range workload.All {
		for _, o := range w.Options {
			if o.Name != name {
				continue
			}
			doc := describe(o)
			if takers[doc] == nil {
				docs = append(docs, doc)
			}
			takers[doc] = append(takers[doc], w.Name)
		}
	}
	for i, doc := range docs {
		docs[i] = fmt.Sprintf("for %s: %s", strings.Join(takers[doc], ", "), doc)
	}
	return "`VALUE` " + strings.Join(docs, "\n")
}

// describe says what an option is, whether it takes a list, and its default.
func describe(o bench.Option) string {
	switch {
	case o.Many:
		return o.Doc + " (a list; default " + o.Default + ")"
	case o.Default != "":
		return o.Doc + " (default " + o.Default + ")"
	}
	return o.Doc
}

// takers returns the names of the workloads that have an option.
func takers(option string) []string {
	var names []string
	for _, w := range workload.All {
		if w.Takes(option) {
			names = append(names, w.Name)
		}
	}
	return names
}

// settings checks the flags.
func (f *runFlags) settings() (s bench.Settings, err error) {
	if f.json {
		f.format = "json"
	}
	if !slices.Contains(report.Formats, f.format) {
		return s, usagef(hint(f.format, report.Formats, "formats: "+strings.Join(report.Formats, ", ")), "there is no format %q", f.format)
	}
	if f.count < 1 || f.count > 10_000 {
		return s, usagef("", "--count %d: want 1 to 10000", f.count)
	}
	if f.warmup < 0 || f.warmup > 10_000 {
		return s, usagef("", "--warmup %d: want 0 to 10000", f.warmup)
	}
	s = bench.Settings{Count: f.count, Warmup: f.warmup, Least: leastRun}
	var known []string
	for _, rt := range bench.Runtimes {
		known = append(known, string(rt))
	}
	for name := range strings.SplitSeq(f.runtimes, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(known, name) {
			return s, usagef(hint(name, known, "runtimes: "+strings.Join(known, ", ")), "there is no runtime %q", name)
		}
		if !slices.Contains(s.Runtimes, bench.Runtime(name)) {
			s.Runtimes = append(s.Runtimes, bench.Runtime(name))
		}
	}
	// Even if the number is given: the environment is looked at, and a setting in it that cannot be used is reported.
	workers, err := bench.DefaultWorkers()
	if err != nil {
		return s, usagef("schedbench env lists what is accepted", "%v", err)
	}
	os.Unsetenv("PINWHEEL_DISPLAY_ENV") // once is enough; there is a scheduler for every run
	if f.workers == "" {
		s.Workers = []int{workers}
		return s, nil
	}
	for field := range strings.SplitSeq(f.workers, ",") {
		k, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || k < 1 || k > 4096 {
			return s, usagef("", "--workers %q: want numbers from 1 to 4096, separated by commas", f.workers)
		}
		if !slices.Contains(s.Workers, k) {
			s.Workers = append(s.Workers, k)
		}
	}
	return s, nil
}

func (p *program) runCommand() *command {
	f := &runFlags{}
	return &command{
		name: "run", usage: "WORKLOAD... [flags]", doc: "measure workloads",
		flags: func(fs *flag.FlagSet) {
			fs.StringVar(&f.n, "n", "", "`SIZE` of the workloads; schedbench list tells what it is and its default")
			f.define(fs, 5)
		},
		run: func(ctx context.Context, names []string) error {
			if len(names) == 0 {
				return usagef("schedbench list shows them", "run needs the name of a workload")
			}
			workloads, err := find(names)
			if err != nil {
				return err
			}
			if err := f.checkOptions(workloads); err != nil {
				return err
			}
			s, err := f.settings()
			if err != nil {
				return err
			}
			var plan bench.Plan
			for _, w := range workloads {
				n := f.n
				if n == "" {
					n = w.N
				}
				if err := plan.Add(w, n, f.seed, f.options); err != nil {
					return usagef("", "%v", err)
				}
			}
			return p.measure(ctx, f, s, &plan)
		},
	}
}

// suiteCommand is what runs if no command is named: all workloads, in sizes that keep the whole under a minute.
func (p *program) suiteCommand() *command {
	f := &runFlags{}
	return &command{
		name: "", usage: "[flags]", doc: "measure all workloads in under a minute (flags of run, except --n)",
		flags: func(fs *flag.FlagSet) { f.define(fs, 3) },
		run: func(ctx context.Context, _ []string) error {
			s, err := f.settings()
			if err != nil {
				return err
			}
			var plan bench.Plan
			for _, w := range workload.All {
				n := w.SuiteN
				if n == "" {
					n = w.N
				}
				// What is missing on this machine, a Go tree, is no reason not to measure the rest.
				if err := plan.Add(w, n, f.seed, f.options); err != nil {
					fmt.Fprintln(p.stderr, "schedbench: left out:", err)
				}
			}
			return p.measure(ctx, f, s, &plan)
		},
	}
}

// find returns the workloads of those names, each once.
func find(names []string) ([]*bench.Workload, error) {
	var found []*bench.Workload
	for _, name := range names {
		w := workload.Find(name)
		if w == nil {
			return nil, usagef(hint(name, workloadNames(), "schedbench list shows all"), "there is no workload %q", name)
		}
		if !slices.Contains(found, w) {
			found = append(found, w)
		}
	}
	return found, nil
}

func workloadNames() []string {
	var names []string
	for _, w := range workload.All {
		names = append(names, w.Name)
	}
	return names
}

// checkOptions refuses an option that none of the workloads has.
func (f *runFlags) checkOptions(workloads []*bench.Workload) error {
	for _, name := range slices.Sorted(maps.Keys(f.options)) {
		if !slices.ContainsFunc(workloads, func(w *bench.Workload) bool { return w.Takes(name) }) {
			return usagef("it is for "+strings.Join(takers(name), ", "), "none of these workloads takes --%s", name)
		}
	}
	return nil
}

// measure runs the plan and prints the results, also those that were finished before an interruption.
func (p *program) measure(ctx context.Context, f *runFlags, s bench.Settings, plan *bench.Plan) (err error) {
	if f.cpuprofile != "" {
		file, err := os.Create(f.cpuprofile)
		if err != nil {
			return usagef("", "--cpuprofile: %v", err)
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if f.trace != "" {
		file, err := os.Create(f.trace)
		if err != nil {
			return usagef("", "--trace: %v", err)
		}
		trace := sched.NewTrace(file)
		defer func() { err = errors.Join(err, trace.Close(), file.Close()) }()
		s.Scheduler = append(s.Scheduler, sched.WithTrace(trace))
	}
	d := report.Document{
		Schema: report.Schema,
		Host:   report.ThisHost(),
		Settings: report.Settings{
			Version:     version(),
			Time:        time.Now().UTC().Truncate(time.Second),
			Runtimes:    s.Runtimes,
			Workers:     s.Workers,
			Count:       s.Count,
			Warmup:      s.Warmup,
			Seed:        f.seed,
			Environment: report.ThisEnvironment(),
		},
	}
	if p.terminal {
		s.Progress = func(done, total int, what string) {
			fmt.Fprintf(p.stderr, "\r\x1b[K%d/%d %s", done+1, total, what)
		}
	}
	var measureErr error
	d.Results, measureErr = plan.Measure(ctx, s)
	if p.terminal {
		fmt.Fprint(p.stderr, "\r\x1b[K")
	}
	if err := d.Write(p.stdout, f.format); err != nil {
		return err
	}
	if measureErr != nil {
		return measureErr
	}
	for _, r := range d.Results {
		if !r.Verified {
			reason, _, _ := strings.Cut(r.Error, "\n") // the stack of a panic is in the JSON
			return fmt.Errorf("%w: %s on %s: %s", errFailed, r.Workload, r.Runtime, reason)
		}
	}
	return nil
}
