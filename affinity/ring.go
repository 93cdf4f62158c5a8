package affinity

import "slices"

// A Ring says how far one CPU is from another; a smaller one is nearer. Thieves look for victims ring by ring. The rings from
// Remote on are NUMA nodes by distance: the nearest other nodes are in Remote, the next ones in Remote+1, and so on.
type Ring int

const (
	SameCPU  Ring = iota
	SameCore      // hardware threads of one core
	SameL2
	SameL3
	SameNode
	Remote
)

// Distance returns how far CPU b is from CPU a. Where a node spans several packages, another package is Remote. A CPU that is
// not an allowed one is in the farthest ring. It costs a binary search: keep the answers.
func (top *Topology) Distance(a, b int) Ring {
	ca, oka := top.CPU(a)
	cb, okb := top.CPU(b)
	switch {
	case a == b:
		return SameCPU
	case !oka || !okb:
		return top.Rings() - 1
	case ca.Core == cb.Core:
		return SameCore
	case ca.L2 == cb.L2 && ca.L2 >= 0:
		return SameL2
	case ca.L3 == cb.L3 && ca.L3 >= 0:
		return SameL3
	case ca.Node == cb.Node && ca.Package == cb.Package:
		return SameNode
	case ca.Node == cb.Node:
		return Remote
	}
	return top.ring[ca.Node][cb.Node]
}

// Rings returns the number of rings of this machine: every distance is below it.
func (top *Topology) Rings() Ring {
	n := SameNode + 1
	if len(top.Packages) > 1 {
		n = Remote + 1
	}
	for _, row := range top.ring {
		n = max(n, slices.Max(row)+1)
	}
	return n
}

// nodeRings ranks the distances between different nodes.
func nodeRings(nodes []Node) [][]Ring {
	var distances []int
	for i, n := range nodes {
		for j, d := range n.Distance {
			if i != j {
				distances = append(distances, d)
			}
		}
	}
	slices.Sort(distances)
	distances = slices.Compact(distances)
	rings := make([][]Ring, len(nodes))
	for i, n := range nodes {
		rings[i] = make([]Ring, len(nodes))
		for j, d := range n.Distance {
			if i == j {
				rings[i][j] = SameNode
				continue
			}
			rank, _ := slices.BinarySearch(distances, d)
			rings[i][j] = Remote + Ring(rank)
		}
	}
	return rings
}
