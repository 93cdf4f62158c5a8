// Package victim decides whom a worker that has run out of work looks at, and whom one that has more than it can do wakes.
//
// It is a package of its own, without clocks, threads or atomics, so that the simulator (internal/sim) drives the very code
// that workers run, on machines that nobody here has.
//
// # Whom to steal from
//
// A thief looks ring by ring: at the hardware thread beside it, at those that share its L2 cache, its L3 cache, its NUMA node, and
// then at other nodes, the nearest first. Within a ring it goes round from a random member on, so that thieves spread. Rings of
// other nodes are gone through less often: the first of them in every second round of a search, the next in every fourth, all further
// ones in every eighth. A look there costs a transfer between nodes, which the victim pays as well as the thief, and what
// is stolen there drags its data along; so a thief first sees whether something turns up nearby. In the other rounds it looks at four
// of the ring: if the node has much to do, one of them will have something, and the thief need not go through all its neighbours a
// second time before it sees that. Before a worker gives up a search it looks everywhere: see [Everywhere].
//
// # Whom to wake
//
// The nearest idle worker, except that the hardware thread beside the waker is taken only after all others of the node: an idle
// core is worth more than half of a busy one.
//
// How many are woken at once is limited: a worker that is on its way counts as searching, and whoever makes work visible leaves
// it to those who search if there are enough of them. One is enough in a pool of usual size. In a large one waking one after the
// other would take longer than the work: see [Enough], and docs/decisions for what the simulator says about both.
package victim

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

// A Policy says how victims are chosen.
type Policy uint8

const (
	Near   Policy = iota // by distance
	Random               // all alike
)

// policyNames are the values of PINWHEEL_STEAL.
var policyNames = [...]string{"near", "random"}

// String returns what [ParsePolicy] reads.
func (p Policy) String() string {
	if int(p) < len(policyNames) {
		return policyNames[p]
	}
	return "Policy(" + strconv.Itoa(int(p)) + ")"
}

// MarshalText returns the name.
func (p Policy) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// ParsePolicy reads the name of a policy.
func ParsePolicy(s string) (Policy, bool) {
	i := slices.Index(policyNames[:], s)
	return Policy(max(i, 0)), i >= 0
}

// Names returns the names of the policies, with what stands between two of them.
func Names(between string) string { return strings.Join(policyNames[:], between) }

// Unknown is the distance between workers of which one is not pinned.
const Unknown affinity.Ring = -1

// A Machine is where the workers sit.
type Machine struct {
	Topology *affinity.Topology // may be nil if no worker is pinned
	CPUs     []affinity.Set     // by worker; empty for one that is not pinned
}

// distance returns how far two workers are from each other.
func (m Machine) distance(a, b int) affinity.Ring {
	if m.Topology == nil || m.CPUs[a].IsEmpty() || m.CPUs[b].IsEmpty() {
		return Unknown
	}
	x, y := m.CPUs[a].First(), m.CPUs[b].First()
	if m.CPUs[a] == m.CPUs[b] && m.CPUs[a].Len() > 1 {
		return affinity.SameNode // pinned to a node as a whole: nearer is not known
	}
	return m.Topology.Distance(x, y)
}

// A ring is the workers that are equally far away.
type ring struct {
	lo, hi int // ids[lo:hi]
	shift  int // it is gone through in every (1<<shift)-th round
	mask   []uint64
}

// An Order is in which order one worker looks at the others. It does not change, and may be used by any thread.
type Order struct {
	workers int
	ids     []uint16 // of the other workers, nearest first
	rings   []ring
	wake    []int           // indices of rings, in the order in which they are woken
	far     bool            // some rings are not gone through in every round
	dist    []affinity.Ring // by worker
}

const (
	mostShift = 3
	sampled   = 4 // how many of a distant ring are looked at in a round that is not the ring's
)

// NewOrder returns the order of a worker. It costs time and memory in proportion to the number of workers.
func NewOrder(m Machine, policy Policy, self int) *Order {
	n := len(m.CPUs)
	o := &Order{workers: n, dist: make([]affinity.Ring, n), ids: make([]uint16, 0, n)}
	for i := range n {
		o.dist[i] = m.distance(self, i)
		if i != self {
			o.ids = append(o.ids, uint16(i))
		}
	}
	key := func(id uint16) affinity.Ring {
		if policy == Random {
			return affinity.SameNode
		}
		return o.dist[id]
	}
	slices.SortStableFunc(o.ids, func(a, b uint16) int { return int(key(a)) - int(key(b)) })
	var siblings []int
	for lo := 0; lo < len(o.ids); {
		d := key(o.ids[lo])
		hi := lo + 1
		for hi < len(o.ids) && key(o.ids[hi]) == d {
			hi++
		}
		r := ring{lo: lo, hi: hi, mask: make([]uint64, (n+63)/64)}
		for _, id := range o.ids[lo:hi] {
			r.mask[id/64] |= 1 << (id % 64)
		}
		if d >= affinity.Remote {
			r.shift, o.far = min(int(d-affinity.Remote)+1, mostShift), true
			o.wake, siblings = append(o.wake, siblings...), nil
		}
		if d == affinity.SameCPU || d == affinity.SameCore {
			siblings = append(siblings, len(o.rings))
		} else {
			o.wake = append(o.wake, len(o.rings))
		}
		o.rings = append(o.rings, r)
		lo = hi
	}
	o.wake = append(o.wake, siblings...)
	return o
}

// Far reports whether there are rings of which most rounds leave out a part.
func (o *Order) Far() bool { return o.far }

// Nearby reports whether all workers are in one ring, so that it does not matter which one is woken.
func (o *Order) Nearby() bool { return len(o.rings) <= 1 }

// Distance returns how far another worker is away, or [Unknown].
func (o *Order) Distance(worker int) affinity.Ring {
	if o == nil || worker >= len(o.dist) {
		return Unknown
	}
	return o.dist[worker]
}

// Enough reports whether so many workers that search, of so many in all, are enough for work that has become visible, so that no
// other need be woken.
func Enough(searching, workers int) bool { return searching > workers/32 }

// Everywhere is the number of a round that leaves nothing out.
const Everywhere = 1<<mostShift - 1

// A Round is one look at the others.
type Round struct {
	o           *Order
	random      uint32
	number      uint
	ring        int // the next one
	lo, hi      int
	at, left    int
	guests, end int // numbers of guests, which are looked at before the other nodes
	inGuests    bool
}

// Round begins the given round of a search; the first one is 0. guests and end bound the numbers of those who are not workers
// and may be stolen from, as they may sit anywhere.
func (o *Order) Round(number int, random uint64, guests, end int) Round {
	return Round{o: o, random: uint32(random), number: uint(number), guests: guests, end: end}
}

// Next returns the next one to look at, or -1 if the round is over. Each is returned once.
func (r *Round) Next() int {
	for r.left == 0 {
		if !r.nextRing() {
			return -1
		}
	}
	at := r.at
	if r.left--; r.at+1 == r.hi {
		r.at = r.lo
	} else {
		r.at++
	}
	if r.inGuests {
		return at
	}
	return int(r.o.ids[at])
}

func (r *Round) nextRing() bool {
	o := r.o
	remote := r.ring >= len(o.rings) || o.rings[r.ring].shift > 0
	r.inGuests = remote && r.guests < r.end
	switch {
	case r.inGuests:
		r.enter(r.guests, r.end)
		r.guests = r.end
		return true
	case r.ring >= len(o.rings):
		return false
	}
	ring := &o.rings[r.ring]
	r.ring++
	r.enter(ring.lo, ring.hi)
	if (r.number+1)&(1<<ring.shift-1) != 0 {
		r.left = min(r.left, sampled)
	}
	return true
}

// enter starts at a random place of [lo, hi).
func (r *Round) enter(lo, hi int) {
	n := hi - lo
	r.lo, r.hi, r.left = lo, hi, n
	r.at = lo + int(uint64(r.random)*uint64(n)>>32)
}

// Wake returns the idle worker that is to be woken, or -1 if none of the others is idle. Word i of the set of idle workers
// has those from 64*i on. The worker may have been woken by somebody else before the caller takes it out of the set.
func (o *Order) Wake(idle func(word int) uint64) int {
	for _, i := range o.wake {
		for word, mask := range o.rings[i].mask {
			if mask == 0 {
				continue
			}
			if found := idle(word) & mask; found != 0 {
				return word*64 + bits.TrailingZeros64(found)
			}
		}
	}
	return -1
}
