// Package bench measures workloads: the same work on each runtime, the runs of the runtimes interleaved, every answer
// verified.
//
// A [Workload] is a description, of which a [Job] of some size is made, with the input, a body for each runtime and a way to
// tell the right answer. [Plan.Measure] runs the bodies in turn, A B A B, so that a machine that drifts slows all of them
// and not the one that happened to run then. The unit of a result is the task, which is what the workload says it is (a
// fork, an item, a file).
//
// What a run measures is the time that its body takes, unless the body moves the clock ([Run.Start], [Run.Stop]) to leave
// out what is not the work, or hands in samples ([Run.Samples]) because the time of one sample is the point. A body that is
// over sooner than [Settings].Least is repeated until it is not, and its time is then the median of the
// repetitions, which another program that takes the CPU for a while does not move.
package bench

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Workload is one thing to measure.
type Workload struct {
	Name    string
	Doc     string   // one line
	Size    string   // what N is
	Unit    string   // what one task is
	N       string   // default size
	SuiteN  string   // size in the default suite, where that is not N
	TestN   string   // a size that takes milliseconds
	Options []Option // what can be set besides the size

	// Prepare looks at the parameters and returns at once. Its errors are the user's: a size out of range, a directory that
	// does not exist.
	Prepare func(p Params) (Build, error)
}

// A Build makes the job: its input, and what has to come out. It may take a while, and gives up when the context ends.
type Build func(ctx context.Context) (*Job, error)

// Later is the Build of a job that takes no more than a moment to make and cannot fail.
func Later(job func() *Job) Build {
	return func(context.Context) (*Job, error) { return job(), nil }
}

// An Option is a parameter of a workload besides its size. On the command line it is a flag.
type Option struct {
	Name, Doc string
	Default   string
	Many      bool // values separated by commas, each of which is measured
}

// Params say what to prepare.
type Params struct {
	N       string
	Seed    uint64
	Options map[string]string // one value for each of the workload's options
}

// Int returns N as a whole number, written as 1000000, 1_000_000 or 1e6, in the range lo to hi.
func (p Params) Int(lo, hi int) (int, error) { return parseInt("n", p.N, lo, hi) }

// OptionInt does for an option what Int does for N.
func (p Params) OptionInt(name string, lo, hi int) (int, error) {
	return parseInt(name, p.Options[name], lo, hi)
}

func parseInt(name, s string, lo, hi int) (int, error) {
	digits := strings.ReplaceAll(s, "_", "")
	n, err := strconv.Atoi(digits)
	if err != nil && strings.ContainsAny(digits, "eE") {
		f, ferr := strconv.ParseFloat(digits, 64)
		if ferr == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			n, err = int(f), nil
		}
	}
	if err != nil || n < lo || n > hi {
		return 0, fmt.Errorf("--%s %q: want a whole number from %d to %d", name, s, lo, hi)
	}
	return n, nil
}

// variant names the options' values, "conns=64 size=16384", or is empty when there are none. The workload's
// options with only one value to choose are left out: they tell no two results of one document apart.
func (p Params) variant(options []Option) string {
	var parts []string
	for _, o := range options {
		if o.Many {
			parts = append(parts, o.Name+"="+p.Options[o.Name])
		}
	}
	return strings.Join(parts, " ")
}

// A Runtime is a way to run a workload.
type Runtime string

// The runtimes.
const (
	Pinwheel   Runtime = "pinwheel"   // tasks of package sched
	Goroutines Runtime = "goroutines" // what a good Go programmer writes by hand
	Serial     Runtime = "serial"     // a plain loop or recursion
)

// Runtimes are all of them, in the order in which they are shown.
var Runtimes = []Runtime{Pinwheel, Goroutines, Serial}

// A Body runs a job once and returns its answer.
type Body func(r *Run) (answer string, err error)

// A Job is a workload with its input, ready to run any number of times, one run at a time.
type Job struct {
	Tasks  int64 // in one run, or in one sample of a body that hands in samples
	Bodies map[Runtime]Body

	// Verify compares an answer with what is known or was computed in some other way.
	Verify func(answer string) error

	// Ideal asks for the speed-up that would be possible beside the one that was measured: the number of workers over the
	// CPUs that serial code keeps busy already, because the garbage collector runs beside it.
	Ideal bool

	// Probe, if it is not nil, does as little with the input as any body has to, on so many goroutines: it moves the bytes. It
	// is timed after each run on pinwheel, and shows how much faster than serial code the machine can be.
	Probe func(workers int)
}

// Answer returns a Verify that accepts one answer.
func Answer(want string) func(string) error {
	return func(got string) error {
		if got != want {
			return fmt.Errorf("wrong answer %s, want %s", got, want)
		}
		return nil
	}
}

// every returns the parameters for each combination of the options' values, of which given names some and the defaults the
// others.
func (w *Workload) every(n string, seed uint64, given map[string]string) []Params {
	all := []Params{{N: n, Seed: seed, Options: map[string]string{}}}
	for _, o := range w.Options {
		value, ok := given[o.Name]
		if !ok {
			value = o.Default
		}
		values := []string{value}
		if o.Many {
			values = strings.Split(value, ",")
		}
		var next []Params
		for _, p := range all {
			for _, v := range values {
				q := p
				q.Options = maps.Clone(p.Options)
				q.Options[o.Name] = strings.TrimSpace(v)
				next = append(next, q)
			}
		}
		all = next
	}
	return all
}

// Takes says whether the workload has the named option.
func (w *Workload) Takes(option string) bool {
	return slices.ContainsFunc(w.Options, func(o Option) bool { return o.Name == option })
}
