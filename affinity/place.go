package affinity

import (
	"cmp"
	"fmt"
	"slices"
)

// Map returns, for each of n workers, the CPUs to pin it to with [PinSet]. An empty set means that the worker is not
// pinned. The policies:
//
//   - Auto is Compact if n is the number of allowed CPUs and None otherwise: with fewer workers, cut by a quota for
//     instance, fixed CPUs would be shared with other processes by accident.
//   - None pins nobody.
//   - Compact goes through the CPUs so that neighbours share as much as possible: all threads of a core, all cores of
//     an L2 and L3 cache, all caches of a node, the packages one by one.
//   - Cores is Compact with the first thread of each core before the second one of any.
//   - Scatter is Cores with successive workers as far apart as possible: in different packages, then nodes, then caches.
//   - List goes through its CPUs in ascending order.
//   - NUMA pins each worker to all allowed CPUs of a node. The nodes get workers in proportion to their CPUs; workers of a
//     node have successive numbers.
//
// On machines with several kinds of core Compact takes the fastest kind first, and Cores and Scatter do so among the first
// threads. Beyond the last CPU, workers start again at the first.
//
// It returns an error if n is less than 1 or the list has a CPU that is not an allowed one, or none at all.
func Map(top *Topology, p Policy, n int) ([]Set, error) {
	if n < 1 {
		return nil, fmt.Errorf("affinity: cannot place %d workers: want at least 1", n)
	}
	if p == Auto {
		p = None
		if n == top.Allowed.Len() {
			p = Compact
		}
	}
	places := make([]Set, n)
	switch p.kind {
	case noneKind:
		return places, nil
	case numaKind:
		return top.placeNodes(places), nil
	case listKind:
		if p.list.IsEmpty() {
			return nil, fmt.Errorf("affinity: the CPU list is empty; allowed here are %s", top.Allowed)
		}
		if bad := p.list.AndNot(top.Allowed); !bad.IsEmpty() {
			return nil, fmt.Errorf("affinity: CPU list %s: CPUs %s are not allowed here; allowed are %s",
				quote(p.list.String()), quote(bad.String()), top.Allowed)
		}
	}
	order := top.order(p)
	for i := range places {
		places[i] = NewSet(order[i%len(order)])
	}
	return places, nil
}

// Workers returns the number of workers that suits a policy: one for each core, CPU of the list, or allowed CPU, cut by the
// cgroup's quota rounded up, and at least 1.
func (top *Topology) Workers(p Policy) int {
	switch p.kind {
	case coresKind:
		return top.Limits.Workers(len(top.Cores))
	case listKind:
		return top.Limits.Workers(p.list.Len())
	}
	return top.Limits.Workers(top.Allowed.Len())
}

// order returns the CPUs in the order in which a policy hands them out.
func (top *Topology) order(p Policy) []int {
	if p.kind == listKind {
		return p.list.List()
	}
	cpus := slices.Clone(top.CPUs)
	slices.SortFunc(cpus, func(a, b CPU) int {
		byThread := 0
		if p.kind != compactKind {
			byThread = cmp.Compare(top.thread(a), top.thread(b))
		}
		return cmp.Or(
			byThread,
			cmp.Compare(top.slowness(a), top.slowness(b)),
			cmp.Compare(a.Package, b.Package),
			cmp.Compare(a.Node, b.Node),
			cmp.Compare(a.Die, b.Die),
			cmp.Compare(a.L3, b.L3),
			cmp.Compare(a.L2, b.L2),
			cmp.Compare(a.Core, b.Core),
			cmp.Compare(a.ID, b.ID),
		)
	})
	ids := make([]int, 0, len(cpus))
	if p.kind == scatterKind {
		for _, class := range chunks(cpus, func(c CPU) int { return top.thread(c)*(len(top.Kinds)+1) + top.slowness(c) }) {
			ids = append(ids, spread(class, spreadLevels)...)
		}
		return ids
	}
	for _, c := range cpus {
		ids = append(ids, c.ID)
	}
	return ids
}

// thread returns which one of its core's allowed threads a CPU is.
func (top *Topology) thread(c CPU) int { return slices.Index(top.Cores[c.Core].List(), c.ID) }

// slowness is 0 for the fastest kind of core and for CPUs of no known kind.
func (top *Topology) slowness(c CPU) int {
	if len(top.Kinds) < 2 || c.Kind < 0 {
		return 0
	}
	return len(top.Kinds) - 1 - c.Kind
}

var spreadLevels = []func(CPU) int{
	func(c CPU) int { return c.Package },
	func(c CPU) int { return c.Node },
	func(c CPU) int { return c.Die },
	func(c CPU) int { return c.L3 },
	func(c CPU) int { return c.L2 },
}

// spread orders CPUs so that successive ones are in different groups of the first level in turn, and within a group
// in different ones of the next level, and so on. The CPUs are sorted by the levels.
func spread(cpus []CPU, levels []func(CPU) int) []int {
	ids := make([]int, 0, len(cpus))
	if len(levels) == 0 {
		for _, c := range cpus {
			ids = append(ids, c.ID)
		}
		return ids
	}
	var groups [][]int
	for _, group := range chunks(cpus, levels[0]) {
		groups = append(groups, spread(group, levels[1:]))
	}
	for round := 0; len(ids) < len(cpus); round++ {
		for _, g := range groups {
			if round < len(g) {
				ids = append(ids, g[round])
			}
		}
	}
	return ids
}

// chunks splits CPUs into runs of equal key.
func chunks(cpus []CPU, key func(CPU) int) [][]CPU {
	var runs [][]CPU
	for i, c := range cpus {
		if i == 0 || key(c) != key(cpus[i-1]) {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], c)
	}
	return runs
}

// placeNodes stretches the workers evenly over the CPUs in the order of the nodes. A worker gets the node of the CPU
// in the middle of its stretch.
func (top *Topology) placeNodes(places []Set) []Set {
	var nodeOf []int
	for i, n := range top.Nodes {
		nodeOf = append(nodeOf, slices.Repeat([]int{i}, n.CPUs.Len())...)
	}
	for i := range places {
		middle := (2*i + 1) * len(nodeOf) / (2 * len(places))
		places[i] = top.Nodes[nodeOf[middle]].CPUs
	}
	return places
}
