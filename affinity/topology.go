package affinity

import (
	"cmp"
	"slices"
)

// A Topology is the part of a machine that the process may use: every set in it holds allowed CPUs only, and what has
// none of them is left out. The sets of one kind are disjoint and ordered by their lowest CPU.
type Topology struct {
	Online  Set // the CPUs that the machine runs, allowed or not
	Allowed Set // never empty

	CPUs     []CPU // the allowed CPUs, ascending
	Packages []Set // together, all allowed CPUs
	Dies     []Set // together, all allowed CPUs; equal to Packages where the kernel does not tell dies apart
	Nodes    []Node
	L3, L2   []Set // the CPUs that share a cache; empty if there is none or it is not known
	Cores    []Set // hardware threads of a core; together, all allowed CPUs
	Kinds    []Kind

	Limits Limits
	Notes  []string // what was odd, and therefore left out

	ring [][]Ring // between nodes, see Distance
}

// A CPU is a hardware thread. Its fields are its number and its places in the slices of the [Topology]; L2, L3 and
// Kind are -1 if there is none or it is not known.
type CPU struct {
	ID                               int
	Package, Die, Node, L3, L2, Core int
	Kind                             int
}

// A Node is a NUMA node.
type Node struct {
	ID   int // the kernel's number
	CPUs Set
	// Distance is the cost of memory access from here to each node of Topology.Nodes, in units of a tenth of the cost of
	// local access. Where the kernel does not say, it is 10 for the node itself and 20 for the others.
	Distance []int
}

// A Kind is a class of cores of like speed. They are listed slowest first. CPUs of which nothing is known are in none.
type Kind struct {
	CPUs     Set
	Capacity int // of the slowest, relative to 1024 for the fastest CPU of the machine; 0 if not known
	MaxMHz   int // highest frequency that all reach; 0 if not known
	BaseMHz  int // nominal frequency of the slowest; 0 if not known
}

// Read reads the topology of this machine, or of the tree that an option names. The topology is never nil and never empty:
// what cannot be read is left out, and with nothing readable at all every allowed CPU is a core of its own, in one package
// and one node, with no shared cache. Of a tree without even a list of CPUs only CPU 0 is left. The error
// is one of opening the tree.
//
// It reads about a dozen small files per core; call it once.
func Read(opts ...Option) (*Topology, error) {
	t, err := openTree(opts)
	if err != nil {
		return t.topology(), err
	}
	top := t.topology()
	return top, t.close()
}

func (t *tree) topology() *Topology {
	top := &Topology{Limits: t.limits()}
	t.readCPUs(top)
	t.readGroups(top)
	t.readNodes(top)
	t.readKinds(top)
	top.ring = nodeRings(top.Nodes)
	top.Notes = t.notes
	return top
}

// CPU returns the CPU with the given number, or false if it is not an allowed one.
func (top *Topology) CPU(id int) (CPU, bool) {
	i, ok := slices.BinarySearchFunc(top.CPUs, id, func(c CPU, id int) int { return cmp.Compare(c.ID, id) })
	if !ok {
		return CPU{}, false
	}
	return top.CPUs[i], true
}

// cpu is CPU for filling in the fields of an allowed one.
func (top *Topology) cpu(id int) *CPU {
	i, _ := slices.BinarySearchFunc(top.CPUs, id, func(c CPU, id int) int { return cmp.Compare(c.ID, id) })
	return &top.CPUs[i]
}
