package affinity_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/affinity/machine"
)

const topologies = "../testdata/topologies"

var update = flag.Bool("update", false, "write the golden files anew")

func load(t testing.TB, name string) *machine.Machine {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(topologies, name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := machine.Parse(string(text))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return m
}

func read(t testing.TB, opts ...affinity.Option) *affinity.Topology {
	t.Helper()
	top, err := affinity.Read(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return top
}

func TestDescribedMachinesAreReadAsTheirDescriptionsExpect(t *testing.T) {
	files, err := filepath.Glob(topologies + "/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d descriptions, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			m := load(t, name)
			top := read(t, affinity.WithFS(m.FS))
			checkSane(t, top)
			if len(m.Want) == 0 {
				t.Error("nothing is expected")
			}
			for key, want := range m.Want {
				if got := fact(t, top, key, want); got != want {
					t.Errorf("%s: got %q, want %q", key, got, want)
				}
			}
			golden(t, filepath.Join(topologies, name+".golden"), placements(t, top))
		})
	}
}

// fact returns what a topology says about the key of a "want" line.
func fact(t *testing.T, top *affinity.Topology, key, want string) string {
	switch key {
	case "online":
		return top.Online.String()
	case "allowed":
		return top.Allowed.String()
	case "packages":
		return strconv.Itoa(len(top.Packages))
	case "dies":
		return strconv.Itoa(len(top.Dies))
	case "nodes":
		return strconv.Itoa(len(top.Nodes))
	case "l3":
		return strconv.Itoa(len(top.L3))
	case "l2":
		return strconv.Itoa(len(top.L2))
	case "cores":
		return strconv.Itoa(len(top.Cores))
	case "kinds":
		return strconv.Itoa(len(top.Kinds))
	case "kind0":
		return top.Kinds[0].CPUs.String()
	case "kind1":
		return top.Kinds[1].CPUs.String()
	case "kind2":
		return top.Kinds[2].CPUs.String()
	case "rings":
		return strconv.Itoa(int(top.Rings()))
	case "quota":
		return fmt.Sprint(top.Limits.Quota)
	case "quotafrom":
		return top.Limits.QuotaFrom
	case "workers":
		return strconv.Itoa(top.Workers(affinity.Auto))
	case "threads":
		most := 0
		for _, core := range top.Cores {
			most = max(most, core.Len())
		}
		return strconv.Itoa(most)
	case "nodeids":
		var ids []string
		for _, n := range top.Nodes {
			ids = append(ids, strconv.Itoa(n.ID))
		}
		return strings.Join(ids, " ")
	case "distance": // a-b=ring ...
		var got []string
		for _, pair := range strings.Fields(want) {
			var a, b, ring int
			if _, err := fmt.Sscanf(pair, "%d-%d=%d", &a, &b, &ring); err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%d-%d=%d", a, b, top.Distance(a, b)))
		}
		return strings.Join(got, " ")
	}
	t.Fatalf("unknown key %q", key)
	return ""
}

// placements writes the worker-to-CPU maps of a machine, one line for each policy and number of workers.
func placements(t *testing.T, top *affinity.Topology) string {
	var b strings.Builder
	for _, p := range []affinity.Policy{
		affinity.Auto, affinity.Compact, affinity.Cores, affinity.Scatter, affinity.NUMA,
	} {
		last := 0
		for _, n := range []int{2, top.Workers(p), top.Allowed.Len(), top.Allowed.Len() + 2} {
			if n <= last {
				continue
			}
			last = n
			places, err := affinity.Map(top, p, n)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %d:", p, n)
			writeRuns(&b, places)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// writeRuns writes places, a repeated one as "place*times", and - for a worker that is not pinned. It stops after 24.
func writeRuns(b *strings.Builder, places []affinity.Set) {
	for i, run := 0, 0; i < len(places); run++ {
		if run == 24 {
			fmt.Fprintf(b, " ... %s", places[len(places)-1])
			return
		}
		j := i
		for j < len(places) && places[j] == places[i] {
			j++
		}
		text := places[i].String()
		if text == "" {
			text = "-"
		}
		fmt.Fprintf(b, " %s", text)
		if j > i+1 {
			fmt.Fprintf(b, "*%d", j-i)
		}
		i = j
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}
