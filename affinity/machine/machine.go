// Package machine turns a description of a machine in a few lines into the files that Linux shows on it, so that
// topologies that nobody here has can be tested and simulated.
//
// A description is lines of a keyword and arguments; blank lines and lines that start with # are ignored.
//
//	cpus LIST               the CPUs of the machine
//	offline LIST            those of them that are not online
//	package GROUPS          CPUs that share a package, and so on; without the line
//	die GROUPS              the kernel says nothing about it
//	node GROUPS
//	l3 GROUPS
//	l2 GROUPS
//	core GROUPS
//	nodeids N...            the numbers of the nodes, if they are not 0, 1, ...
//	distance N...           a row of the distance table, one line for each node
//	capacity N LIST         cpu_capacity of some CPUs
//	mhz N LIST              their highest frequency
//	base N LIST             their nominal frequency
//	file NAME TEXT          a line of any other file; repeat it for more lines
//	without PREFIX          removes all files whose names begin so
//	want KEY TEXT           not part of the machine: what a test expects of it
//
// LIST is a CPU list such as 0-3,8. GROUPS are lists separated by spaces, each of which may stand for many:
// A-B/N is the range cut into groups of N CPUs, A-B%N the N groups of every N-th CPU, and +M at the end adds to each
// group the CPUs M higher. So 0-15/8+16 is 0-7,16-23 and 8-15,24-31. A hyphen is a group without CPUs. CPUs that are in
// no group of a line are alone in theirs, or, in caches, have none.
package machine

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing/fstest"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

// A Machine is a described machine.
type Machine struct {
	// FS is the root directory: sys, proc, and what the description adds.
	FS fs.FS
	// Want has what the description expects of a reader, by key.
	Want map[string]string
}

// Parse reads a description. The error names the line.
func Parse(description string) (*Machine, error) {
	d := &draft{files: fstest.MapFS{}, want: map[string]string{}, groups: map[string][]affinity.Set{}}
	for i, line := range strings.Split(description, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		keyword, args, _ := strings.Cut(line, " ")
		if err := d.line(keyword, strings.TrimSpace(args)); err != nil {
			return nil, fmt.Errorf("machine: line %d: %w", i+1, err)
		}
	}
	d.expand()
	return &Machine{FS: d.files, Want: d.want}, nil
}

type draft struct {
	cpus, offline affinity.Set
	groups        map[string][]affinity.Set // by keyword
	nodeIDs       []string
	distances     []string
	without       []string
	files         fstest.MapFS
	want          map[string]string
}

func (d *draft) line(keyword, args string) (err error) {
	switch keyword {
	case "cpus":
		d.cpus, err = affinity.ParseList(args)
	case "offline":
		d.offline, err = affinity.ParseList(args)
	case "package", "die", "node", "l3", "l2", "core":
		d.groups[keyword], err = parseGroups(args)
	case "nodeids":
		d.nodeIDs = strings.Fields(args)
	case "distance":
		d.distances = append(d.distances, args)
	case "capacity":
		err = d.perCPU(args, "cpu_capacity", "")
	case "mhz":
		err = d.perCPU(args, "cpufreq/cpuinfo_max_freq", "000")
	case "base":
		err = d.perCPU(args, "cpufreq/base_frequency", "000")
	case "file":
		name, text, _ := strings.Cut(args, " ")
		old := ""
		if f := d.files[name]; f != nil {
			old = string(f.Data)
		}
		d.file(name, old+text)
	case "without":
		d.without = append(d.without, args)
	case "want":
		key, text, _ := strings.Cut(args, " ")
		d.want[key] = text
	default:
		err = fmt.Errorf("unknown keyword %q", keyword)
	}
	return err
}

// perCPU adds a file to each CPU of the list that follows the value.
func (d *draft) perCPU(args, name, unit string) error {
	value, list, _ := strings.Cut(args, " ")
	set, err := affinity.ParseList(list)
	for _, cpu := range set.List() {
		d.file(cpuDir(cpu)+name, value+unit)
	}
	return err
}

func parseGroups(args string) ([]affinity.Set, error) {
	var groups []affinity.Set
	for _, word := range strings.Fields(args) {
		if word == "-" {
			groups = append(groups, affinity.Set{})
			continue
		}
		word, offset, hasOffset := strings.Cut(word, "+")
		list, n, chunked := strings.Cut(word, "/")
		list, m, strided := strings.Cut(list, "%")
		set, err := affinity.ParseList(list)
		if err != nil {
			return nil, err
		}
		cpus, step := set.List(), 1
		if chunked || strided {
			if step, err = strconv.Atoi(n + m); err != nil || step < 1 {
				return nil, fmt.Errorf("group %q: bad number after / or %%", word)
			}
		}
		shift := 0
		if hasOffset {
			if shift, err = strconv.Atoi(offset); err != nil || shift < 1 {
				return nil, fmt.Errorf("group %q: bad number after +", word)
			}
		}

		var parts [][]int
		switch {
		case chunked:
			parts = slices.Collect(slices.Chunk(cpus, step))
		case strided:
			parts = make([][]int, step)
			for i, cpu := range cpus {
				parts[i%step] = append(parts[i%step], cpu)
			}
		default:
			parts = [][]int{cpus}
		}
		for _, part := range parts {
			group := affinity.NewSet(part...)
			for _, cpu := range part {
				group.Add(cpu + shift)
			}
			groups = append(groups, group)
		}
	}
	return groups, nil
}

func (d *draft) file(name, text string) { d.files[name] = &fstest.MapFile{Data: []byte(text + "\n")} }

const (
	sysCPU  = "sys/devices/system/cpu/"
	sysNode = "sys/devices/system/node/"
)

func cpuDir(cpu int) string { return fmt.Sprintf("%scpu%d/", sysCPU, cpu) }

func (d *draft) expand() {
	online := d.cpus.AndNot(d.offline)
	if !d.cpus.IsEmpty() {
		d.file(sysCPU+"online", online.String())
		d.file(sysCPU+"possible", d.cpus.String())
	}
	for _, cpu := range d.cpus.List() {
		dir := cpuDir(cpu)
		if !online.Has(cpu) {
			d.file(dir+"online", "0")
			continue
		}
		d.file(dir+"online", "1")
		// Identifiers that say nothing, so that nobody comes to rely on them.
		d.file(dir+"topology/core_id", "0")
		d.file(dir+"topology/physical_package_id", "-1")
		for _, level := range []string{"package", "die", "core"} {
			if groups, ok := d.groups[level]; ok {
				d.file(dir+"topology/"+level+"_cpus", mask(groupOf(groups, cpu, true).And(online)))
			}
		}
		d.cache(cpu, 0, "Data", 1, affinity.NewSet(cpu))
		d.cache(cpu, 1, "Instruction", 1, affinity.NewSet(cpu))
		d.cache(cpu, 2, "Unified", 2, groupOf(d.groups["l2"], cpu, false).And(online))
		d.cache(cpu, 3, "Unified", 3, groupOf(d.groups["l3"], cpu, false).And(online))
	}
	for i, group := range d.groups["node"] {
		id := strconv.Itoa(i)
		if i < len(d.nodeIDs) {
			id = d.nodeIDs[i]
		}
		dir := sysNode + "node" + id + "/"
		d.file(dir+"cpumap", mask(group.And(online)))
		if i < len(d.distances) {
			d.file(dir+"distance", d.distances[i])
		}
	}
	for _, prefix := range d.without {
		maps.DeleteFunc(d.files, func(name string, _ *fstest.MapFile) bool { return strings.HasPrefix(name, prefix) })
	}
}

func (d *draft) cache(cpu, index int, typ string, level int, shared affinity.Set) {
	if shared.IsEmpty() {
		return
	}
	dir := fmt.Sprintf("%scache/index%d/", cpuDir(cpu), index)
	d.file(dir+"level", strconv.Itoa(level))
	d.file(dir+"type", typ)
	d.file(dir+"shared_cpu_map", mask(shared))
}

// groupOf returns the group that has cpu; failing that cpu alone, or nothing.
func groupOf(groups []affinity.Set, cpu int, alone bool) affinity.Set {
	for _, g := range groups {
		if g.Has(cpu) {
			return g
		}
	}
	if alone {
		return affinity.NewSet(cpu)
	}
	return affinity.Set{}
}

// mask writes a set as the kernel does.
func mask(s affinity.Set) string {
	words := []uint32{0}
	for _, cpu := range s.List() {
		for len(words) <= cpu/32 {
			words = append(words, 0)
		}
		words[cpu/32] |= 1 << (cpu % 32)
	}
	slices.Reverse(words)
	text := make([]string, len(words))
	for i, w := range words {
		text[i] = fmt.Sprintf("%08x", w)
	}
	return strings.Join(text, ",")
}
