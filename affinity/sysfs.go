package affinity

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// The kernel's identifiers (core_id, physical_package_id, die_id) repeat across packages, count from anywhere, or are the same
// for all on some machines. Its sets of CPUs are right more often, so CPUs are grouped by those alone. Where sets
// contradict each other, the one that the lowest CPU gives counts.

const sysCPU = "sys/devices/system/cpu"

func cpuDir(cpu int) string { return sysCPU + "/cpu" + strconv.Itoa(cpu) }

// numbered returns the numbers n, ascending, for which names has prefix+n.
func numbered(names []string, prefix string) []int {
	var ns []int
	for _, name := range names {
		if digits, ok := strings.CutPrefix(name, prefix); ok {
			if n, err := parseCPU(digits); err == nil {
				ns = append(ns, n)
			}
		}
	}
	slices.Sort(ns)
	return slices.Compact(ns)
}

// readCPUs sets Online, Allowed and CPUs.
func (t *tree) readCPUs(top *Topology) {
	top.Online = t.online()
	if t.live {
		allowed, err := Allowed()
		if err != nil {
			t.note("%v", err)
		}
		top.Allowed = allowed
		top.Online = top.Online.Or(allowed)
	} else {
		if top.Online.IsEmpty() {
			t.note("no list of CPUs")
			top.Online = NewSet(0)
		}
		top.Allowed = top.Online
		top.restrict(t, "the cpuset", top.Limits.CPUs)
		top.restrict(t, "the affinity mask", t.statusMask())
	}
	for _, id := range top.Allowed.List() {
		top.CPUs = append(top.CPUs, CPU{ID: id})
	}
}

// restrict narrows Allowed, unless that would leave nothing.
func (top *Topology) restrict(t *tree, what string, to Set) {
	if to.IsEmpty() {
		return
	}
	left := top.Allowed.And(to)
	if left.IsEmpty() {
		t.note("%s %s has no CPU of %s", what, to, top.Allowed)
		return
	}
	top.Allowed = left
}

func (t *tree) online() Set {
	if set, ok := t.list(sysCPU + "/online"); ok && !set.IsEmpty() {
		return set
	}
	var cpus []int
	for _, cpu := range numbered(t.names(sysCPU), "cpu") {
		if s, _ := t.read(cpuDir(cpu) + "/online"); s != "0" {
			cpus = append(cpus, cpu)
		}
	}
	if len(cpus) == 0 {
		t.lines("proc/stat", func(line string) bool {
			name, _, _ := strings.Cut(line, " ")
			cpus = append(cpus, numbered([]string{name}, "cpu")...)
			return strings.HasPrefix(name, "cpu") // they come first, and a later line may be very long
		})
	}
	return NewSet(cpus...)
}

// statusMask returns the affinity mask that a tree's /proc/self/status tells of.
func (t *tree) statusMask() (mask Set) {
	t.lines("proc/self/status", func(line string) bool {
		value, ok := strings.CutPrefix(line, "Cpus_allowed_list:")
		if ok {
			mask, _ = ParseList(strings.TrimSpace(value))
		}
		return !ok
	})
	return mask
}

// readGroups sets Packages, Dies, L3, L2 and Cores, and the CPUs' places in them.
func (t *tree) readGroups(top *Topology) {
	topology := func(names ...string) func(int) (Set, bool) {
		return func(cpu int) (Set, bool) {
			for _, name := range names {
				name = cpuDir(cpu) + "/topology/" + name
				if set, ok := t.set(name, name+"_list"); ok && !set.IsEmpty() {
					return set, true
				}
			}
			return Set{}, false
		}
	}
	cache := func(level int) func(int) (Set, bool) {
		return func(cpu int) (Set, bool) { return t.cache(cpu, level) }
	}
	one := func(CPU) Set { return top.Allowed }
	samePackage := func(c CPU) Set { return top.Packages[c.Package] }
	alone := func(c CPU) Set { return NewSet(c.ID) }

	g := grouper{t, top}
	top.Packages = g.group("package", topology("package_cpus", "core_siblings"), one, one, func(c *CPU) *int { return &c.Package })
	top.Cores = g.group("core", topology("core_cpus", "thread_siblings"), samePackage, alone, func(c *CPU) *int { return &c.Core })
	top.Dies = g.group("die", func(cpu int) (Set, bool) {
		// Without an idea of dies the kernel gives every CPU a die of its own.
		set, ok := topology("die_cpus")(cpu)
		return set, ok && !top.Cores[top.cpu(cpu).Core].Contains(set)
	}, samePackage, samePackage, func(c *CPU) *int { return &c.Die })
	top.L3 = g.group("L3 cache", cache(3), samePackage, nil, func(c *CPU) *int { return &c.L3 })
	top.L2 = g.group("L2 cache", cache(2), samePackage, nil, func(c *CPU) *int { return &c.L2 })
}

// set reads a set that is given as a mask, and by newer kernels as a list too.
func (t *tree) set(mask, list string) (Set, bool) {
	if set, ok := t.mask(mask); ok {
		return set, true
	}
	return t.list(list)
}

// cache returns the CPUs that share cpu's cache of the given level. Instruction caches do not count. An empty set
// of CPUs is a private cache.
func (t *tree) cache(cpu, level int) (Set, bool) {
	dir := cpuDir(cpu) + "/cache"
	for _, i := range numbered(t.names(dir), "index") {
		index := dir + "/index" + strconv.Itoa(i)
		if l, _ := t.read(index + "/level"); l != strconv.Itoa(level) {
			continue
		}
		if typ, _ := t.read(index + "/type"); typ == "Instruction" {
			continue
		}
		set, ok := t.set(index+"/shared_cpu_map", index+"/shared_cpu_list")
		if ok && set.IsEmpty() {
			set = NewSet(cpu)
		}
		return set, ok
	}
	return Set{}, false
}

type grouper struct {
	t   *tree
	top *Topology
}

// group partitions the allowed CPUs by the sets that read gives for them. A set is cut to within(cpu) and to the CPUs
// that no earlier set had. CPUs without a set share otherwise(cpu), or are in no group (-1) if otherwise is nil. at
// points to the place of a CPU that receives the number of its group.
func (g grouper) group(
	what string,
	read func(cpu int) (Set, bool),
	within, otherwise func(CPU) Set,
	at func(*CPU) *int,
) []Set {
	var groups []Set
	left := g.top.Allowed
	for _, c := range g.top.CPUs {
		if !left.Has(c.ID) {
			continue
		}
		set, ok := read(c.ID)
		switch {
		case ok && !set.Has(c.ID):
			g.t.note("CPU %d is not in its own %s, %s", c.ID, what, set)
			set = NewSet(c.ID)
		case !ok && otherwise == nil:
			continue
		case !ok:
			set = otherwise(c)
		}
		set = set.And(within(c)).And(left)
		groups = append(groups, set)
		left = left.AndNot(set)
	}
	slices.SortFunc(groups, func(a, b Set) int { return cmp.Compare(a.First(), b.First()) })
	for i := range g.top.CPUs {
		c := &g.top.CPUs[i]
		*at(c) = slices.IndexFunc(groups, func(s Set) bool { return s.Has(c.ID) })
	}
	return groups
}
