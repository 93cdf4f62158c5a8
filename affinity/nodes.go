package affinity

import (
	"slices"
	"strconv"
	"strings"
)

const sysNode = "sys/devices/system/node"

const (
	localDistance  = 10 // what the kernel takes for granted where the firmware is silent
	remoteDistance = 20
	maxNodes       = 1024 // the kernel's own limit
)

// readNodes sets Nodes and the CPUs' places in them. Node numbers may have gaps, and nodes may have memory only. Unless the
// nodes hold each allowed CPU exactly once there is one node.
func (t *tree) readNodes(top *Topology) {
	ids := numbered(t.names(sysNode), "node")
	var columns []int // places in ids, and so in the tables of distances, of the nodes that have allowed CPUs
	left, disjoint := top.Allowed, len(ids) <= maxNodes
	for column, id := range ids {
		dir := nodeDir(id)
		set, _ := t.set(dir+"/cpumap", dir+"/cpulist")
		set = set.And(top.Allowed)
		if set.IsEmpty() {
			continue
		}
		disjoint = disjoint && left.Contains(set)
		left = left.AndNot(set)
		columns = append(columns, column)
		top.Nodes = append(top.Nodes, Node{ID: id, CPUs: set})
	}
	if !disjoint || !left.IsEmpty() {
		if len(ids) > 0 {
			t.note("%s: the nodes do not have each CPU once; taking the machine as one", sysNode)
		}
		one := Node{CPUs: top.Allowed, Distance: []int{localDistance}}
		if len(top.Nodes) > 0 {
			one.ID = top.Nodes[0].ID
		}
		top.Nodes = []Node{one}
		return // CPU.Node is 0
	}

	if !t.readDistances(top.Nodes, len(ids), columns) {
		if len(top.Nodes) > 1 {
			t.note("%s: no usable table of distances", sysNode)
		}
		for i := range top.Nodes {
			row := slices.Repeat([]int{remoteDistance}, len(top.Nodes))
			row[i] = localDistance
			top.Nodes[i].Distance = row
		}
	}
	for i, n := range top.Nodes {
		for _, id := range n.CPUs.List() {
			top.cpu(id).Node = i
		}
	}
}

func nodeDir(id int) string { return sysNode + "/node" + strconv.Itoa(id) }

// readDistances sets the nodes' distances, or reports that they are not all known and sensible: nothing is nearer to
// a node than itself.
func (t *tree) readDistances(nodes []Node, width int, columns []int) bool {
	for i := range nodes {
		row, ok := t.distances(nodes[i].ID, width, columns)
		if !ok || row[i] != slices.Min(row) {
			return false
		}
		nodes[i].Distance = row
	}
	return true
}

// distances reads the given columns of a node's row, which has as many numbers as the machine has nodes.
func (t *tree) distances(node, width int, columns []int) ([]int, bool) {
	s, _ := t.read(nodeDir(node) + "/distance")
	fields := strings.Fields(s)
	if len(fields) != width {
		return nil, false
	}
	row := make([]int, len(columns))
	for i, c := range columns {
		d, err := strconv.ParseUint(fields[c], 10, 16)
		if err != nil || d == 0 {
			return nil, false
		}
		row[i] = int(d)
	}
	return row, true
}
