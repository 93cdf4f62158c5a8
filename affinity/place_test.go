package affinity_test

import (
	"math"
	"strings"
	"testing"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

func TestAutoPinsOnlyWhenWorkersAreExactlyTheAllowedCPUs(t *testing.T) {
	top := read(t, affinity.WithFS(load(t, "container-v2").FS)) // 3 CPUs, a quota of 1.5
	for n, pinned := range map[int]bool{1: false, 2: false, 3: true, 4: false} {
		places, err := affinity.Map(top, affinity.Auto, n)
		if err != nil || places[0].IsEmpty() == pinned {
			t.Errorf("%d workers: %v, %v", n, places, err)
		}
	}
}

func TestListTakesItsCPUsInAscendingOrderAndStartsAgain(t *testing.T) {
	top := read(t, affinity.WithFS(load(t, "container-v1").FS)) // 4-7,12-13
	p, err := affinity.ParsePolicy("12,4-5")
	if err != nil {
		t.Fatal(err)
	}
	places, err := affinity.Map(top, p, 5)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, place := range places {
		got = append(got, place.String())
	}
	if s := strings.Join(got, " "); s != "4 5 12 4 5" {
		t.Errorf("got %s", s)
	}
}

func TestListWithCPUsThatAreNotAllowedIsAnErrorThatNamesThem(t *testing.T) {
	top := read(t, affinity.WithFS(load(t, "container-v1").FS)) // 4-7,12-13
	for list, want := range map[string]string{"0-4": `"0-3"`, "99": `"99"`, "4,8191": `"8191"`} {
		p, err := affinity.ParsePolicy(list)
		if err != nil {
			t.Fatal(err)
		}
		_, err = affinity.Map(top, p, 1)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "4-7,12-13") {
			t.Errorf("%s: %v", list, err)
		}
	}
	if _, err := affinity.Map(top, affinity.List(affinity.Set{}), 1); err == nil {
		t.Error("a list of no CPUs was accepted")
	}
}

func TestMapRefusesFewerThanOneWorker(t *testing.T) {
	top := read(t)
	for _, n := range []int{0, -1, math.MinInt} {
		if _, err := affinity.Map(top, affinity.Compact, n); err == nil {
			t.Errorf("%d workers were placed", n)
		}
	}
}

func TestScatterIsSpreadEvenlyWhateverTheNumberOfWorkers(t *testing.T) {
	top := read(t, affinity.WithFS(load(t, "epyc-2s-nps4").FS))
	for n := 1; n <= len(top.CPUs); n++ {
		places, err := affinity.Map(top, affinity.Scatter, n)
		if err != nil {
			t.Fatal(err)
		}
		for what, count := range map[string][]int{
			"packages": make([]int, len(top.Packages)), "nodes": make([]int, len(top.Nodes)),
			"L3": make([]int, len(top.L3)), "cores": make([]int, len(top.Cores)),
		} {
			for _, place := range places {
				c, _ := top.CPU(place.First())
				count[map[string]int{"packages": c.Package, "nodes": c.Node, "L3": c.L3, "cores": c.Core}[what]]++
			}
			least, most := math.MaxInt, 0
			for _, k := range count {
				least, most = min(least, k), max(most, k)
			}
			if most > least+1 {
				t.Errorf("%d workers: the %s have from %d to %d", n, what, least, most)
			}
		}
	}
}

func TestWorkersFollowThePolicyAndTheQuota(t *testing.T) {
	hybrid := read(t, affinity.WithFS(load(t, "hybrid-pe").FS))
	container := read(t, affinity.WithFS(load(t, "container-v1").FS)) // 4 cores, 6 CPUs, a quota of 2.5
	four := affinity.List(affinity.NewSet(4, 5, 6, 7))
	for _, c := range []struct {
		top  *affinity.Topology
		p    affinity.Policy
		want int
	}{
		{hybrid, affinity.Auto, 32},
		{hybrid, affinity.Scatter, 32},
		{hybrid, affinity.Cores, 24},
		{hybrid, four, 4},
		{container, affinity.Auto, 3},
		{container, affinity.Cores, 3},
		{container, four, 3},
		{container, affinity.List(affinity.NewSet(4)), 1},
	} {
		if got := c.top.Workers(c.p); got != c.want {
			t.Errorf("%v: %d workers, want %d", c.p, got, c.want)
		}
	}
}

func TestThisMachineIsRead(t *testing.T) {
	top := read(t)
	checkSane(t, top)
	set, err := affinity.Allowed()
	if err != nil || top.Allowed != set {
		t.Errorf("allowed are %v, Allowed says %v, %v", top.Allowed, set, err)
	}
	t.Logf("packages %v, L3 %v, L2 %v, cores %v, notes %q", top.Packages, top.L3, top.L2, top.Cores, top.Notes)
}

func BenchmarkRead(b *testing.B) {
	for b.Loop() {
		if _, err := affinity.Read(); err != nil {
			b.Fatal(err)
		}
	}
}
