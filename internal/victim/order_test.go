package victim

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/affinity/machine"
)

// on returns a worker for each CPU of a machine of testdata/topologies.
func on(t testing.TB, name string) Machine {
	t.Helper()
	if raceDetector && (name == "eight-nodes-512" || name == "power9") {
		t.Skip("nothing here is shared, and to read a large machine takes long under the race detector")
	}
	text, err := os.ReadFile("../../testdata/topologies/" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	m, err := machine.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	top, err := affinity.Read(affinity.WithFS(m.FS))
	if err != nil {
		t.Fatal(err)
	}
	cpus, err := affinity.Map(top, affinity.Compact, top.Allowed.Len())
	if err != nil {
		t.Fatal(err)
	}
	return Machine{Topology: top, CPUs: cpus}
}

func look(o *Order, round int, guests, end int) (ids []int) {
	for r := o.Round(round, rand.Uint64(), guests, end); ; {
		id := r.Next()
		if id < 0 {
			return ids
		}
		ids = append(ids, id)
	}
}

func TestARoundGoesFromNearToFarAndToEachOnce(t *testing.T) {
	for _, name := range []string{"epyc-2s-192", "xeon-2s-snc2", "hybrid-pe", "graviton3", "garbage", "nothing", "eight-nodes-512", "power9"} {
		m := on(t, name)
		n := len(m.CPUs)
		for _, self := range []int{0, n / 2, n - 1} {
			o := NewOrder(m, Near, self)
			ids := look(o, Everywhere, n, n+5)
			guests := slices.IndexFunc(ids, func(id int) bool { return id >= n })
			last := affinity.SameCPU
			for i, id := range ids {
				switch {
				case id >= n:
					if i >= guests+5 {
						t.Errorf("%s: guests are not together", name)
					}
				case o.Distance(id) < last:
					t.Errorf("%s: worker %d looks at %d, ring %d, after ring %d", name, self, id, o.Distance(id), last)
				case i > guests && o.Distance(id) < affinity.Remote, i < guests && o.Distance(id) >= affinity.Remote:
					t.Errorf("%s: guests are not between this node and the others", name)
				default:
					last = o.Distance(id)
				}
			}
			slices.Sort(ids)
			if len(ids) != n+5-1 || len(slices.Compact(ids)) != n+5-1 || slices.Contains(ids, self) {
				t.Errorf("%s: worker %d looks at %d of %d others", name, self, len(ids), n-1)
			}
		}
	}
}

func TestDistantRingsAreGoneThroughLessOften(t *testing.T) {
	m := on(t, "eight-nodes-512")
	o := NewOrder(m, Near, 0)
	if !o.Far() || o.Nearby() {
		t.Fatal("eight nodes are not far")
	}
	members := map[affinity.Ring]int{}
	for _, id := range look(o, Everywhere, 0, 0) {
		members[o.Distance(id)]++
	}
	whole := map[affinity.Ring]int{}
	for round := range 80 {
		found := map[affinity.Ring]int{}
		for _, id := range look(o, round, 0, 0) {
			found[o.Distance(id)]++
		}
		for r, n := range found {
			switch n {
			case members[r]:
				whole[r]++
			case sampled:
			default:
				t.Errorf("round %d looks at %d of the %d of ring %d", round, n, members[r], r)
			}
		}
	}
	for r, n := range whole {
		want := 80
		if r >= affinity.Remote {
			want >>= min(int(r-affinity.Remote)+1, 3)
		}
		if n != want {
			t.Errorf("ring %d was gone through in %d of 80 rounds, want %d", r, n, want)
		}
	}
	if whole[affinity.Remote] == 0 || whole[affinity.Remote+1] == 0 {
		t.Errorf("rings %v", whole)
	}
}

func TestARingIsEnteredAnywhere(t *testing.T) {
	m := on(t, "epyc-2s-192")
	for _, policy := range []Policy{Near, Random} {
		o := NewOrder(m, policy, 3)
		first := map[int]int{}
		for range 20_000 {
			first[look(o, 0, 0, 0)[0]]++
		}
		want := 1 // the other hardware thread, or the nearest cache
		if policy == Random {
			want = len(m.CPUs) - 1
		} else {
			for id := range m.CPUs {
				if id != 3 && o.Distance(id) == o.Distance(int(o.ids[0])) {
					want = max(want, 0) + 1
				}
			}
			want--
		}
		if len(first) != want {
			t.Errorf("%v: %d different first victims, want %d", policy, len(first), want)
		}
	}
}

func TestRandomAndUnpinnedWorkersHaveOneRing(t *testing.T) {
	m := on(t, "epyc-2s-192")
	if o := NewOrder(m, Random, 0); o.Far() || !o.Nearby() || len(look(o, 0, 0, 0)) != 191 {
		t.Error("random has rings")
	}
	unpinned := Machine{CPUs: make([]affinity.Set, 8)}
	o := NewOrder(unpinned, Near, 7)
	if o.Far() || !o.Nearby() || len(look(o, 0, 0, 0)) != 7 || o.Distance(0) != Unknown {
		t.Error("workers that are not pinned have rings")
	}
	if o := NewOrder(Machine{CPUs: make([]affinity.Set, 1)}, Near, 0); len(look(o, 0, 1, 1)) != 0 || len(look(o, 0, 1, 3)) != 2 {
		t.Error("a single worker looks at others than the guests")
	}
	var none *Order
	if none.Distance(3) != Unknown {
		t.Error("a guest has distances")
	}
}

func TestTheNearestIdleWorkerIsWokenButTheSiblingOnlyAfterTheNode(t *testing.T) {
	for _, name := range []string{"epyc-2s-192", "epyc-2s-nps4", "eight-nodes-512"} {
		m := on(t, name)
		o := NewOrder(m, Near, 0)
		// Workers in the order in which they are to be woken: sharing a cache, the node, the core, nothing.
		var cache, node, sibling, remote []int
		for id := 1; id < len(m.CPUs); id++ {
			switch d := o.Distance(id); {
			case d == affinity.SameCore:
				sibling = append(sibling, id)
			case d <= affinity.SameL3:
				cache = append(cache, id)
			case d == affinity.SameNode:
				node = append(node, id)
			default:
				remote = append(remote, id)
			}
		}
		idle := make([]uint64, len(m.CPUs)/64+1)
		for _, ids := range [][]int{{0}, cache, node, sibling, remote} {
			for _, id := range ids {
				idle[id/64] |= 1 << (id % 64)
			}
		}
		for class, ids := range [][]int{cache, node, sibling, remote} {
			for range ids {
				id := o.Wake(func(word int) uint64 { return idle[word] })
				if !slices.Contains(ids, id) {
					t.Fatalf("%s: %d is woken, want one of class %d: %v", name, id, class, ids)
				}
				idle[id/64] &^= 1 << (id % 64)
			}
		}
		if id := o.Wake(func(word int) uint64 { return idle[word] }); id != -1 {
			t.Errorf("%s: %d is woken, and nobody else is idle", name, id)
		}
	}
}

func TestNamesOfPolicies(t *testing.T) {
	for _, p := range []Policy{Near, Random} {
		if got, ok := ParsePolicy(p.String()); !ok || got != p {
			t.Errorf("%v is read as %v", p, got)
		}
	}
	if _, ok := ParsePolicy("far"); ok {
		t.Error("far is a policy")
	}
}

func BenchmarkRoundOfTwo(b *testing.B) {
	o := NewOrder(Machine{CPUs: make([]affinity.Set, 2)}, Near, 0)
	n := 0
	for i := range b.N {
		r := o.Round(0, uint64(i), 2, 4)
		for id := r.Next(); id >= 0; id = r.Next() {
			n += id
		}
	}
	_ = n
}
