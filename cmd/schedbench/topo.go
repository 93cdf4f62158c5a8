package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/sched"
)

func (p *program) topoCommand() *command {
	var (
		root   string
		asJSON bool
	)
	return &command{
		name: "topo", usage: "[--root DIR] [--json]", doc: "the topology, the limits found, and where workers go",
		flags: func(fs *flag.FlagSet) {
			fs.StringVar(&root, "root", "", "`DIR` with the proc and sys of the machine to show, instead of this one")
			fs.BoolVar(&asJSON, "json", false, "write JSON")
		},
		run: func(_ context.Context, args []string) error {
			if err := noOperands("topo", args); err != nil {
				return err
			}
			m, err := placementOn(root)
			if err != nil {
				return usagef("", "%v", err)
			}
			if asJSON {
				return p.writeJSON(m.document())
			}
			_, err = p.stdout.Write(m.drawing())
			return err
		},
	}
}

// A placement is a machine and where a scheduler's workers would sit on it.
type placement struct {
	*affinity.Topology
	policy  affinity.Policy
	workers []affinity.Set // by worker; empty if it is not pinned
}

// placementOn reads the tree under root, or this machine if it is empty. The environment has its say about workers and
// policy.
func placementOn(root string) (*placement, error) {
	settings, err := sched.Environment()
	if err != nil {
		return nil, err
	}
	var options []affinity.Option
	if root != "" {
		options = append(options, affinity.WithRoot(root))
	}
	m := &placement{}
	if m.Topology, err = affinity.Read(options...); err != nil {
		return nil, err
	}
	workers := 0
	for _, s := range settings {
		switch {
		case s.Source == "default":
		case s.Name == "PINWHEEL_AFFINITY":
			if m.policy, err = affinity.ParsePolicy(s.Value); err != nil {
				return nil, err
			}
		case s.Name == "PINWHEEL_WORKERS":
			if workers, err = strconv.Atoi(s.Value); err != nil {
				return nil, err
			}
		}
	}
	if workers == 0 {
		workers = m.Workers(m.policy)
	}
	m.workers, err = affinity.Map(m.Topology, m.policy, workers)
	return m, err
}

// document is the placement for programs.
func (m *placement) document() any {
	type node struct {
		ID       int          `json:"id"`
		CPUs     affinity.Set `json:"cpus"`
		Distance []int        `json:"distance"`
	}
	type kind struct {
		CPUs     affinity.Set `json:"cpus"`
		Capacity int          `json:"capacity,omitempty"`
		MaxMHz   int          `json:"max_mhz,omitempty"`
		BaseMHz  int          `json:"base_mhz,omitempty"`
	}
	type limits struct {
		CPUs      affinity.Set `json:"cpuset"`
		CPUsFrom  string       `json:"cpuset_from,omitempty"`
		Quota     float64      `json:"quota"` // 0 if there is none
		QuotaFrom string       `json:"quota_from,omitempty"`
	}
	type worker struct {
		Worker int          `json:"worker"`
		CPUs   affinity.Set `json:"cpus"` // empty if it is not pinned
	}
	nodes, kinds, workers := []node{}, []kind{}, []worker{}
	for _, n := range m.Nodes {
		nodes = append(nodes, node(n))
	}
	for _, k := range m.Kinds {
		kinds = append(kinds, kind(k))
	}
	for i, cpus := range m.workers {
		workers = append(workers, worker{i, cpus})
	}
	sets := func(s []affinity.Set) []affinity.Set { return append([]affinity.Set{}, s...) } // never null
	return map[string]any{
		"schema":   1,
		"online":   m.Online,
		"allowed":  m.Allowed,
		"packages": sets(m.Packages),
		"dies":     sets(m.Dies),
		"nodes":    nodes,
		"l3":       sets(m.L3),
		"l2":       sets(m.L2),
		"cores":    sets(m.Cores),
		"kinds":    kinds,
		"limits":   limits{m.Limits.CPUs, m.Limits.CPUsFrom, m.Limits.Quota, m.Limits.QuotaFrom},
		"policy":   m.policy.String(),
		"workers":  workers,
		"notes":    append([]string{}, m.Notes...),
	}
}

// drawing is the placement for people.
func (m *placement) drawing() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "CPUs      %s allowed, of %s online\n", m.Allowed, orNone(m.Online.String()))
	fmt.Fprintf(&b, "cpuset    %s\n", from(m.Limits.CPUs.String(), m.Limits.CPUsFrom))
	quota := ""
	if m.Limits.Quota > 0 {
		quota = fmt.Sprintf("%g CPUs", m.Limits.Quota)
	}
	fmt.Fprintf(&b, "quota     %s\n", from(quota, m.Limits.QuotaFrom))
	if len(m.Kinds) > 1 {
		fmt.Fprint(&b, "kinds    ")
		for i, k := range m.Kinds {
			if i > 0 {
				fmt.Fprint(&b, ", faster:")
			}
			fmt.Fprintf(&b, " %s", k.CPUs)
		}
		fmt.Fprintln(&b)
	}
	fmt.Fprintf(&b, "workers   %d, policy %s%s\n\n", len(m.workers), m.policy, m.unpinned())
	m.draw(&b, m.Allowed, m.levels(), nil, 0)
	for _, note := range m.Notes {
		fmt.Fprintln(&b, "note:", note)
	}
	return b.Bytes()
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func from(what, file string) string {
	if file == "" {
		return orNone(what)
	}
	return orNone(what) + " (" + file + ")"
}

// unpinned says so if the workers are.
func (m *placement) unpinned() string {
	for _, cpus := range m.workers {
		if !cpus.IsEmpty() {
			return ""
		}
	}
	return ", not pinned"
}

// A level is one way in which the machine is divided.
type level struct {
	name   string
	groups []affinity.Set
}

// levels returns the ways from the coarsest to the finest.
func (m *placement) levels() []level {
	nodes := make([]affinity.Set, len(m.Nodes))
	for i, n := range m.Nodes {
		nodes[i] = n.CPUs
	}
	dies := m.Dies
	if slices.Equal(dies, m.Packages) {
		dies = nil // the kernel does not tell them apart
	}
	levels := []level{
		{"package", m.Packages}, {"die", dies}, {"node", nodes}, {"L3", m.L3}, {"L2", m.L2}, {"core", m.Cores},
	}
	if len(nodes) < len(m.Packages) { // a node is packages, not the other way round
		levels[0], levels[1], levels[2] = levels[2], levels[0], levels[1]
	}
	return levels
}

// draw draws the CPUs as a tree, a line for each part. A level that does not divide a part has no line of its own: its name
// joins the line above. A part that is in several groups of a level, since some machines describe themselves so, is drawn in
// each, as far as it is in it.
func (m *placement) draw(b *bytes.Buffer, part affinity.Set, levels []level, names []string, depth int) {
	if len(levels) == 0 {
		indent := strings.Repeat("  ", depth)
		fmt.Fprintf(b, "%s%s:", indent, strings.Join(names, ", "))
		for _, cpu := range part.List() {
			fmt.Fprintf(b, " CPU %d%s", cpu, m.on(cpu))
		}
		fmt.Fprintln(b)
		return
	}
	l := levels[0]
	rest := part
	type piece struct {
		index int
		cpus  affinity.Set
	}
	var pieces []piece
	for i, g := range l.groups {
		if cpus := g.And(part); !cpus.IsEmpty() {
			pieces = append(pieces, piece{i, cpus})
			rest = rest.AndNot(cpus)
		}
	}
	switch {
	case len(pieces) == 0: // nothing is known at this level
		m.draw(b, part, levels[1:], names, depth)
		return
	case len(pieces) == 1 && rest.IsEmpty():
		m.draw(b, part, levels[1:], append(names, m.name(l, pieces[0].index)), depth)
		return
	}
	if len(names) > 0 {
		fmt.Fprintf(b, "%s%s: CPUs %s\n", strings.Repeat("  ", depth), strings.Join(names, ", "), part)
		depth++
	}
	for _, p := range pieces {
		m.draw(b, p.cpus, levels[1:], []string{m.name(l, p.index)}, depth)
	}
	if !rest.IsEmpty() {
		m.draw(b, rest, levels[1:], nil, depth)
	}
}

func (m *placement) name(l level, index int) string {
	switch l.name {
	case "L2", "L3":
		return l.name
	case "node":
		return fmt.Sprintf("node %d", m.Nodes[index].ID)
	}
	return fmt.Sprintf("%s %d", l.name, index)
}

// on names the workers on a CPU.
func (m *placement) on(cpu int) string {
	var workers []string
	for i, cpus := range m.workers {
		if cpus.Has(cpu) {
			workers = append(workers, strconv.Itoa(i))
		}
	}
	switch len(workers) {
	case 0:
		return ""
	case 1:
		return " (worker " + workers[0] + ")"
	}
	return " (workers " + strings.Join(workers, ", ") + ")"
}
