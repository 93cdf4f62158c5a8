package affinity

import (
	"cmp"
	"slices"
	"strconv"
)

// Cores differ in speed on purpose (Intel's P and E cores, ARM's big.LITTLE, AMD's compact cores) or by a little, when some
// samples of the same core are allowed a higher turbo. Only the first makes kinds, so values that are near each other
// count as one. The sources, best first; the first one that tells CPUs apart decides:
//
//   - the two or three lists of CPUs of Intel's hybrid event sources, /sys/devices/cpu_core, cpu_atom, cpu_lowpower;
//   - cpu_capacity, which ARM and lately x86 set to 1024 for the fastest CPU;
//   - the nominal frequency, which turbo does not touch;
//   - the highest frequency.
const (
	capacityGap  = 1.10 // within a kind, the largest capacity is at most this many times the smallest
	frequencyGap = 1.20
)

// A speed is what is known about a CPU; 0 is not known.
type speed struct{ capacity, maxMHz, baseMHz int }

// readKinds sets Kinds and the CPUs' places in them.
func (t *tree) readKinds(top *Topology) {
	speeds := make(map[int]speed, len(top.CPUs))
	var known Set
	for _, c := range top.CPUs {
		if s := t.speed(c.ID); s != (speed{}) {
			speeds[c.ID] = s
			known.Add(c.ID)
		}
	}

	sets := t.hybrid(top.Allowed)
	for _, by := range []struct {
		value func(speed) int
		gap   float64
	}{
		{func(s speed) int { return s.capacity }, capacityGap},
		{func(s speed) int { return s.baseMHz }, frequencyGap},
		{func(s speed) int { return s.maxMHz }, frequencyGap},
	} {
		if len(sets) < 2 {
			sets = cluster(known, func(cpu int) int { return by.value(speeds[cpu]) }, by.gap)
		}
	}
	if len(sets) < 2 {
		sets = []Set{known}
	}

	for _, set := range sets {
		if set.IsEmpty() {
			continue
		}
		slowest := speeds[set.First()]
		for _, cpu := range set.List() {
			s := speeds[cpu]
			slowest = speed{
				min(slowest.capacity, s.capacity), min(slowest.maxMHz, s.maxMHz), min(slowest.baseMHz, s.baseMHz),
			}
		}
		top.Kinds = append(top.Kinds, Kind{set, slowest.capacity, slowest.maxMHz, slowest.baseMHz})
	}
	for i := range top.CPUs {
		c := &top.CPUs[i]
		c.Kind = slices.IndexFunc(top.Kinds, func(k Kind) bool { return k.CPUs.Has(c.ID) })
	}
}

func (t *tree) speed(cpu int) speed {
	dir := cpuDir(cpu)
	return speed{
		capacity: t.positive(dir + "/cpu_capacity"),
		maxMHz:   t.positive(dir+"/cpufreq/cpuinfo_max_freq") / 1000,
		baseMHz:  t.positive(dir+"/cpufreq/base_frequency") / 1000,
	}
}

// positive reads a positive number, or 0.
func (t *tree) positive(name string) int {
	s, _ := t.read(name)
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// hybrid returns the CPUs of Intel's kinds of core, slowest first.
func (t *tree) hybrid(within Set) []Set {
	var sets []Set
	for _, name := range []string{"cpu_lowpower", "cpu_atom", "cpu_core"} {
		set, _ := t.list("sys/devices/" + name + "/cpus")
		for _, s := range sets {
			set = set.AndNot(s)
		}
		if set = set.And(within); !set.IsEmpty() {
			sets = append(sets, set)
		}
	}
	return sets
}

// cluster groups the CPUs that have a value by it, lowest first, so that within a group no value is more than gap times
// another one.
func cluster(cpus Set, value func(int) int, gap float64) []Set {
	var sets []Set
	list := slices.DeleteFunc(cpus.List(), func(cpu int) bool { return value(cpu) == 0 })
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(value(a), value(b)) })
	lowest := 0
	for _, cpu := range list {
		if v := value(cpu); len(sets) == 0 || float64(v) > gap*float64(lowest) {
			sets = append(sets, Set{})
			lowest = v
		}
		sets[len(sets)-1].Add(cpu)
	}
	return sets
}
