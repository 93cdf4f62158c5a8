package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/internal/sim"
	"github.com/pinwheel-sched/pinwheel/internal/victim"
	"github.com/pinwheel-sched/pinwheel/testdata/topologies"
)

// simFlags are the flags of sim.
type simFlags struct {
	topology, root, load string
	seed                 uint64
	seeds                int
	json                 bool
}

func (p *program) simCommand() *command {
	f := &simFlags{}
	return &command{
		name: "sim", usage: "[--topology NAME] [--load LIST] [--seeds N] [--json]", doc: "near against random victims, simulated on a machine",
		flags: func(fs *flag.FlagSet) {
			fs.StringVar(&f.topology, "topology", "epyc-2s-192", "`NAME` of the machine: "+strings.Join(topologies.Names(), ", "))
			fs.StringVar(&f.root, "root", "", "`DIR` with the proc and sys of a machine to simulate instead")
			fs.StringVar(&f.load, "load", strings.Join(sim.Loads, ","), "`LIST` of loads")
			fs.Uint64Var(&f.seed, "seed", 1, "`NUMBER` that the simulation starts from")
			fs.IntVar(&f.seeds, "seeds", 1, "`NUMBER` of simulations, from as many seeds")
			fs.BoolVar(&f.json, "json", false, "write JSON")
		},
		run: func(ctx context.Context, args []string) error {
			if err := noOperands("sim", args); err != nil {
				return err
			}
			return p.simulate(ctx, f)
		},
	}
}

func (p *program) simulate(ctx context.Context, f *simFlags) error {
	m, err := f.machine()
	if err != nil {
		return err
	}
	if f.seeds < 1 || f.seeds > 1000 {
		return usagef("from 1 to 1000", "--seeds %d", f.seeds)
	}
	var results []sim.Result
	for load := range strings.SplitSeq(f.load, ",") {
		load = strings.TrimSpace(load)
		if !slices.Contains(sim.Loads, load) {
			return usagef(hint(load, sim.Loads, "loads: "+strings.Join(sim.Loads, ", ")), "there is no load %q", load)
		}
		for _, policy := range []victim.Policy{victim.Near, victim.Random} {
			if ctx.Err() != nil {
				return bench.ErrInterrupted
			}
			for i := range f.seeds {
				r, err := sim.Run(m, policy, load, sim.Typical, f.seed+uint64(i))
				if err != nil {
					return err
				}
				results = append(results, r)
			}
		}
	}
	if f.json {
		return p.writeJSON(map[string]any{"schema": 1, "topology": f.topology, "seed": f.seed, "costs": sim.Typical, "results": results})
	}
	fmt.Fprintf(p.stdout, "%d workers on %d nodes, simulated from %d seeds: means, and ± the standard deviation\n\n", len(m.CPUs), len(m.Topology.Nodes), f.seeds)
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "load\tvictims\ttime\tutilisation\tsteals\tacross nodes\tlooks\tacross nodes\twakes\tsteal mean\tp99\t")
	for some := range slices.Chunk(results, f.seeds) {
		mean := func(of func(sim.Result) float64) float64 { m, _ := spreadOf(some, of); return m }
		count := func(of func(sim.Result) int) string {
			return fmt.Sprintf("%.0f", mean(func(r sim.Result) float64 { return float64(of(r)) }))
		}
		span := func(of func(sim.Result) time.Duration, to time.Duration) time.Duration {
			return time.Duration(mean(func(r sim.Result) float64 { return float64(of(r)) })).Round(to)
		}
		use, useSpread := spreadOf(some, func(r sim.Result) float64 { return 100 * r.Utilisation })
		far, farSpread := spreadOf(some, func(r sim.Result) float64 { return float64(r.RemoteSteals) })
		fmt.Fprintf(t, "%s\t%s\t%v\t%.1f ± %.1f %%\t%s\t%.0f ± %.0f\t%s\t%s\t%s\t%v\t%v\t\n", some[0].Load, some[0].Policy,
			span(func(r sim.Result) time.Duration { return r.Time }, time.Microsecond), use, useSpread,
			count(func(r sim.Result) int { return r.Steals }), far, farSpread,
			count(func(r sim.Result) int { return r.Looks }), count(func(r sim.Result) int { return r.RemoteLooks }), count(func(r sim.Result) int { return r.Wakes }),
			span(func(r sim.Result) time.Duration { return r.StealMean }, 10*time.Nanosecond), span(func(r sim.Result) time.Duration { return r.StealP99 }, 10*time.Nanosecond))
	}
	return t.Flush()
}

// spreadOf returns the mean of a figure, and its standard deviation.
func spreadOf(rs []sim.Result, of func(sim.Result) float64) (mean, deviation float64) {
	for _, r := range rs {
		mean += of(r) / float64(len(rs))
	}
	for _, r := range rs {
		deviation += (of(r) - mean) * (of(r) - mean) / float64(max(1, len(rs)-1))
	}
	return mean, math.Sqrt(deviation)
}

// machine is the one to simulate, with a worker on each CPU.
func (f *simFlags) machine() (m victim.Machine, err error) {
	if f.root != "" {
		m.Topology, err = affinity.Read(affinity.WithRoot(f.root))
		f.topology = f.root
	} else {
		m.Topology, err = topologies.Read(f.topology)
	}
	if err != nil {
		return m, usagef(hint(f.topology, topologies.Names(), "schedbench help sim lists them"), "%v", err)
	}
	m.CPUs, err = affinity.Map(m.Topology, affinity.Compact, m.Topology.Allowed.Len())
	return m, err
}
