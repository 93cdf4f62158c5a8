package affinity_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/affinity/machine"
)

// describe reads the topology of a machine that is described in place.
func describe(t *testing.T, description string) *affinity.Topology {
	t.Helper()
	m, err := machine.Parse(description)
	if err != nil {
		t.Fatal(err)
	}
	top := read(t, affinity.WithFS(m.FS))
	checkSane(t, top)
	return top
}

func TestCacheThatIsSharedByNobodyIsPrivate(t *testing.T) {
	top := describe(t, `
		cpus 0-1
		core 0-1/1
		file sys/devices/system/cpu/cpu0/cache/index2/level 2
		file sys/devices/system/cpu/cpu0/cache/index2/shared_cpu_map
		file sys/devices/system/cpu/cpu1/cache/index2/level 2
		file sys/devices/system/cpu/cpu1/cache/index2/shared_cpu_map 0
	`)
	if d := cmp.Diff([]affinity.Set{affinity.NewSet(0), affinity.NewSet(1)}, top.L2); d != "" || len(top.Notes) > 0 {
		t.Errorf("L2 (-want +got):\n%s\nnotes %q", d, top.Notes)
	}
}

func TestInstructionCachesDoNotCount(t *testing.T) {
	top := describe(t, `
		cpus 0-1
		core 0-1/1
		file sys/devices/system/cpu/cpu0/cache/index4/level 2
		file sys/devices/system/cpu/cpu0/cache/index4/type Instruction
		file sys/devices/system/cpu/cpu0/cache/index4/shared_cpu_list 0
		file sys/devices/system/cpu/cpu0/cache/index5/level 2
		file sys/devices/system/cpu/cpu0/cache/index5/type Data
		file sys/devices/system/cpu/cpu0/cache/index5/shared_cpu_list 0-1
	`)
	if len(top.L2) != 1 || top.L2[0].String() != "0-1" {
		t.Errorf("L2 %v", top.L2)
	}
}

func TestTableInWhichAnotherNodeIsNearerIsNotBelieved(t *testing.T) {
	top := describe(t, `
		cpus 0-3
		node 0-3/2
		distance 10 20
		distance 10 20
	`)
	if d := cmp.Diff([][]int{{10, 20}, {20, 10}}, [][]int{top.Nodes[0].Distance, top.Nodes[1].Distance}); d != "" {
		t.Error(d)
	}
}

func TestKindsAreToldApartByWhatIsKnown(t *testing.T) {
	const cpus = "cpus 0-7\npackage 0-7\n"
	for what, c := range map[string]struct{ description, want string }{
		"nothing is known":                      {"", "[]"},
		"only Intel's lists":                    {"file sys/devices/cpu_core/cpus 0-3\nfile sys/devices/cpu_atom/cpus 4-7", "[4-7 0-3]"},
		"three of Intel's lists, which overlap": {"file sys/devices/cpu_core/cpus 0-3\nfile sys/devices/cpu_atom/cpus 4-7\nfile sys/devices/cpu_lowpower/cpus 6-7", "[6-7 4-5 0-3]"},
		"one list, which tells nothing apart":   {"file sys/devices/cpu_core/cpus 0-7\nmhz 2000 0-3\nmhz 3000 4-7", "[0-3 4-7]"},
		"Intel's lists before frequencies":      {"file sys/devices/cpu_core/cpus 0-3\nfile sys/devices/cpu_atom/cpus 4-7\nmhz 2000 0-3\nmhz 3000 4-7", "[4-7 0-3]"},
		"capacities before frequencies":         {"capacity 400 0-3\ncapacity 1024 4-7\nmhz 3000 0-3\nmhz 2000 4-7", "[0-3 4-7]"},
		"nominal before highest frequencies":    {"base 1000 0-3\nbase 2000 4-7\nmhz 3000 0-3\nmhz 2000 4-7", "[0-3 4-7]"},
		"some cores may turbo a little higher":  {"mhz 5083 0-2\nmhz 5400 3-6\nmhz 5750 7", "[0-7]"},
		"some samples are a little better":      {"capacity 960 0-2\ncapacity 1000 3-6\ncapacity 1024 7", "[0-7]"},
		"steps that together are large":         {"mhz 1000 0-1\nmhz 1150 2-3\nmhz 1300 4-5\nmhz 1450 6-7", "[0-3 4-7]"},
		"of some nothing is known":              {"mhz 2000 0-3\nmhz 3000 4-5", "[0-3 4-5]"},
	} {
		top := describe(t, cpus+c.description)
		var got []affinity.Set
		for _, k := range top.Kinds {
			got = append(got, k.CPUs)
		}
		if s := fmt.Sprint(got); s != c.want {
			t.Errorf("%s: got %s, want %s", what, s, c.want)
		}
	}
}
