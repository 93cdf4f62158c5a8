package main

import (
	"context"
	"flag"
	"fmt"
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
	json                 bool
}

func (p *program) simCommand() *command {
	f := &simFlags{}
	return &command{
		name: "sim", usage: "[--topology NAME] [--load LIST] [--json]", doc: "near against random victims, simulated on a machine",
		flags: func(fs *flag.FlagSet) {
			fs.StringVar(&f.topology, "topology", "epyc-2s-192", "`NAME` of the machine: "+strings.Join(topologies.Names(), ", "))
			fs.StringVar(&f.root, "root", "", "`DIR` with the proc and sys of a machine to simulate instead")
			fs.StringVar(&f.load, "load", strings.Join(sim.Loads, ","), "`LIST` of loads")
			fs.Uint64Var(&f.seed, "seed", 1, "`NUMBER` that the simulation starts from")
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
			r, err := sim.Run(m, policy, load, sim.Typical, f.seed)
			if err != nil {
				return err
			}
			results = append(results, r)
		}
	}
	if f.json {
		return p.writeJSON(map[string]any{"schema": 1, "topology": f.topology, "seed": f.seed, "costs": sim.Typical, "results": results})
	}
	fmt.Fprintf(p.stdout, "%d workers on %d nodes, simulated\n\n", len(m.CPUs), len(m.Topology.Nodes))
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "load\tvictims\ttime\tutilisation\tsteals\tacross nodes\tlooks\tacross nodes\twakes\tsteal mean\tp99\t")
	for _, r := range results {
		fmt.Fprintf(t, "%s\t%s\t%v\t%.1f %%\t%d\t%d\t%d\t%d\t%d\t%v\t%v\t\n", r.Load, r.Policy, r.Time.Round(time.Microsecond), 100*r.Utilisation,
			r.Steals, r.RemoteSteals, r.Looks, r.RemoteLooks, r.Wakes, r.StealMean.Round(10*time.Nanosecond), r.StealP99.Round(10*time.Nanosecond))
	}
	return t.Flush()
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
