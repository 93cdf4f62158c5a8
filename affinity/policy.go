package affinity

import (
	"fmt"
	"strings"
)

// A Policy says where workers sit. The zero Policy is [Auto]. Policies are values and can be compared with ==.
//
//   - Use Auto unless you know better.
//   - Use None next to other programs that use the same CPUs.
//   - Use Compact if workers share data and are fewer than the CPUs: it fills core by core, cache by cache.
//   - Use Scatter if workers need memory bandwidth or cache of their own: it spreads them over packages, nodes and caches.
//   - Use Cores if hardware threads of a core are in each other's way: numeric kernels, measurements.
//   - Use NUMA if memory must stay near but the kernel may balance within a node.
//   - Use List to say it all.
//
// See [Map] for what each one does.
type Policy struct {
	kind policyKind
	list Set
}

type policyKind uint8

const (
	autoKind policyKind = iota
	noneKind
	compactKind
	scatterKind
	coresKind
	numaKind
	listKind
)

var policyNames = [...]string{"auto", "none", "compact", "scatter", "cores", "numa"}

// The policies that need no argument.
var (
	Auto    = Policy{kind: autoKind}
	None    = Policy{kind: noneKind}
	Compact = Policy{kind: compactKind}
	Scatter = Policy{kind: scatterKind}
	Cores   = Policy{kind: coresKind}
	NUMA    = Policy{kind: numaKind}
)

// List is the policy of pinning workers to the given CPUs, in ascending order.
func List(cpus Set) Policy { return Policy{kind: listKind, list: cpus} }

// ParsePolicy reads a policy's name or a CPU list; see [ParseList]. The error names the value and the accepted forms.
func ParsePolicy(s string) (Policy, error) {
	for kind, name := range policyNames {
		if s == name {
			return Policy{kind: policyKind(kind)}, nil
		}
	}
	set, err := parseList(s)
	if err != nil {
		return Policy{}, fmt.Errorf("affinity: policy %s: want %s, or a CPU list such as 0-3,8",
			quote(s), strings.Join(policyNames[:], ", "))
	}
	return List(set), nil
}

// String returns what [ParsePolicy] reads.
func (p Policy) String() string {
	if p.kind == listKind {
		return p.list.String()
	}
	return policyNames[p.kind]
}
