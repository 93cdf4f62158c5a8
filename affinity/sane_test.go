package affinity_test

import (
	"testing"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

// checkSane checks what holds for every topology, whatever it was read from.
func checkSane(t testing.TB, top *affinity.Topology) {
	t.Helper()
	if top.Allowed.IsEmpty() || !top.Online.Contains(top.Allowed) {
		t.Errorf("allowed %v, online %v", top.Allowed, top.Online)
	}
	if len(top.CPUs) != top.Allowed.Len() {
		t.Fatalf("%d CPUs, allowed are %v", len(top.CPUs), top.Allowed)
	}
	nodes := make([]affinity.Set, len(top.Nodes))
	for i, n := range top.Nodes {
		nodes[i] = n.CPUs
		if len(n.Distance) != len(nodes) || n.Distance[i] < 1 {
			t.Errorf("node %d: distances %v", n.ID, n.Distance)
		}
	}
	kinds := make([]affinity.Set, len(top.Kinds))
	for i, k := range top.Kinds {
		kinds[i] = k.CPUs
	}
	for _, level := range []struct {
		name   string
		groups []affinity.Set
		all    bool // the groups together are all CPUs
		at     func(affinity.CPU) int
	}{
		{"packages", top.Packages, true, func(c affinity.CPU) int { return c.Package }},
		{"dies", top.Dies, true, func(c affinity.CPU) int { return c.Die }},
		{"nodes", nodes, true, func(c affinity.CPU) int { return c.Node }},
		{"L3", top.L3, false, func(c affinity.CPU) int { return c.L3 }},
		{"L2", top.L2, false, func(c affinity.CPU) int { return c.L2 }},
		{"cores", top.Cores, true, func(c affinity.CPU) int { return c.Core }},
		{"kinds", kinds, false, func(c affinity.CPU) int { return c.Kind }},
	} {
		var union affinity.Set
		for i, g := range level.groups {
			if g.IsEmpty() || !g.And(union).IsEmpty() {
				t.Errorf("%s: %v is empty or not disjoint from %v", level.name, g, union)
			}
			if i > 0 && level.name != "kinds" && level.name != "nodes" && g.First() < level.groups[i-1].First() {
				t.Errorf("%s: %v is out of order", level.name, g)
			}
			union = union.Or(g)
		}
		if !top.Allowed.Contains(union) || level.all && union != top.Allowed {
			t.Errorf("%s: together %v, allowed are %v", level.name, union, top.Allowed)
		}
		for i, id := range top.Allowed.List() {
			c := top.CPUs[i]
			if c.ID != id {
				t.Fatalf("CPU %d in place of %d", c.ID, id)
			}
			place := level.at(c)
			if place < 0 && !level.all && !union.Has(id) {
				continue
			}
			if place < 0 || place >= len(level.groups) || !level.groups[place].Has(id) {
				t.Errorf("%s: CPU %d says that it is in number %d", level.name, id, place)
			}
		}
	}
	if w := top.Limits.Workers(len(top.CPUs)); w < 1 || w > len(top.CPUs) || w != top.Workers(affinity.Auto) {
		t.Errorf("%d workers for %d CPUs", w, len(top.CPUs))
	}
	if !(top.Limits.Quota >= 0) {
		t.Errorf("quota %v", top.Limits.Quota)
	}
	checkRings(t, top)
	checkMaps(t, top)
}

func checkRings(t testing.TB, top *affinity.Topology) {
	t.Helper()
	step := max(1, len(top.CPUs)/40)
	for i := 0; i < len(top.CPUs); i += step {
		for j := 0; j < len(top.CPUs); j += step {
			a, b := top.CPUs[i].ID, top.CPUs[j].ID
			d := top.Distance(a, b)
			if d < 0 || d >= top.Rings() || (d == affinity.SameCPU) != (a == b) {
				t.Errorf("distance from %d to %d is %d of %d", a, b, d, top.Rings())
			}
			if back := top.Distance(b, a); d < affinity.Remote && back != d {
				t.Errorf("distance from %d to %d is %d, back it is %d", a, b, d, back)
			}
		}
	}
	if d := top.Distance(top.Allowed.First(), -1); d != top.Rings()-1 {
		t.Errorf("distance to no CPU is %d", d)
	}
}

func checkMaps(t testing.TB, top *affinity.Topology) {
	t.Helper()
	cpus := len(top.CPUs)
	for _, p := range []affinity.Policy{
		affinity.Auto, affinity.None, affinity.Compact, affinity.Scatter, affinity.Cores, affinity.NUMA,
		affinity.List(top.Allowed),
	} {
		for _, n := range []int{1, cpus, cpus + 1} {
			places, err := affinity.Map(top, p, n)
			if err != nil || len(places) != n {
				t.Fatalf("%v, %d workers: %d places, %v", p, n, len(places), err)
			}
			var union affinity.Set
			for _, place := range places {
				union = union.Or(place)
				switch pinned := p != affinity.None && (p != affinity.Auto || n == cpus); {
				case pinned == place.IsEmpty():
					t.Errorf("%v, %d workers on %d CPUs: one on %q", p, n, cpus, place)
				case pinned && p != affinity.NUMA && place.Len() != 1:
					t.Errorf("%v: a worker on %v", p, place)
				}
			}
			if n >= cpus && !union.IsEmpty() && union != top.Allowed {
				t.Errorf("%v, %d workers: only %v of %v are used", p, n, union, top.Allowed)
			}
		}
	}
}
