package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// machine writes the tree of a machine with two packages of two cores with two hardware threads each; the threads of a core
// are CPU k and k+4.
func machine(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write := func(path, text string) {
		path = filepath.Join(root, "sys/devices/system/cpu", path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("online", "0-7")
	write("possible", "0-7")
	for cpu := range 8 {
		core := cpu % 4
		threads := fmt.Sprintf("%d,%d", core, core+4)
		siblings := "0-1,4-5"
		if core >= 2 {
			siblings = "2-3,6-7"
		}
		write(fmt.Sprintf("cpu%d/topology/thread_siblings_list", cpu), threads)
		write(fmt.Sprintf("cpu%d/topology/core_cpus_list", cpu), threads)
		write(fmt.Sprintf("cpu%d/topology/core_siblings_list", cpu), siblings)
		write(fmt.Sprintf("cpu%d/topology/package_cpus_list", cpu), siblings)
		write(fmt.Sprintf("cpu%d/cache/index3/level", cpu), "3")
		write(fmt.Sprintf("cpu%d/cache/index3/type", cpu), "Unified")
		write(fmt.Sprintf("cpu%d/cache/index3/shared_cpu_list", cpu), siblings)
	}
	return root
}

func TestTopoDrawsTheMachineAndItsWorkers(t *testing.T) {
	root := machine(t)
	for _, c := range []struct {
		env  []string
		want string
	}{
		{nil, `CPUs      0-7 allowed, of 0-7 online
cpuset    none
quota     none
workers   8, policy auto

node 0: CPUs 0-7
  package 0, L3: CPUs 0-1,4-5
    core 0: CPU 0 (worker 0) CPU 4 (worker 1)
    core 1: CPU 1 (worker 2) CPU 5 (worker 3)
  package 1, L3: CPUs 2-3,6-7
    core 2: CPU 2 (worker 4) CPU 6 (worker 5)
    core 3: CPU 3 (worker 6) CPU 7 (worker 7)
`},
		{[]string{"PINWHEEL_AFFINITY=cores"}, "core 0: CPU 0 (worker 0) CPU 4\n"},
		{[]string{"PINWHEEL_WORKERS=3"}, "workers   3, policy auto, not pinned\n"},
		{[]string{"PINWHEEL_WORKERS=9", "PINWHEEL_AFFINITY=compact"}, "CPU 0 (workers 0, 8)"},
		{[]string{"PINWHEEL_AFFINITY=2-3"}, "workers   2, policy 2-3\n"},
	} {
		o := process(t, c.env, "topo", "--root", root)
		if o.status != exitDone || !strings.Contains(o.stdout, c.want) {
			t.Errorf("%v: status %d, stderr %q, got\n%s\nwant\n%s", c.env, o.status, o.stderr, o.stdout, c.want)
		}
	}
}

func TestTopoRefusesWhatItCannotPlace(t *testing.T) {
	root := machine(t)
	for _, c := range []struct {
		env, root, message string
	}{
		{"PINWHEEL_AFFINITY=7-9", root, "8"},
		{"PINWHEEL_AFFINITY=everywhere", root, "PINWHEEL_AFFINITY"},
		{"PINWHEEL_WORKERS=0", root, "PINWHEEL_WORKERS"},
		{"GOMAXPROCS=1", "/no/such/dir", "/no/such/dir"},
	} {
		o := process(t, []string{c.env}, "topo", "--root", c.root)
		if o.status != exitUsage || o.stdout != "" || !strings.Contains(o.stderr, c.message) {
			t.Errorf("%s: %+v", c.env, o)
		}
	}
}

func TestTopoWritesJSON(t *testing.T) {
	var d struct {
		Schema                    int
		Online, Allowed, Policy   string
		Packages, Cores, Dies, L3 []string
		L2, Notes                 *[]string
		Nodes                     []struct{ CPUs string }
		Limits                    *struct{ Quota float64 }
		Workers                   []struct {
			Worker int
			CPUs   string
		}
	}
	o := execute(t, "topo", "--json", "--root", machine(t))
	if err := json.Unmarshal([]byte(o.stdout), &d); err != nil {
		t.Fatalf("%v: %+v", err, o)
	}
	if d.Schema != 1 || d.Online != "0-7" || d.Allowed != "0-7" || len(d.Packages) != 2 || len(d.Cores) != 4 || d.Cores[1] != "1,5" ||
		len(d.L3) != 2 || d.L2 == nil || d.Notes == nil || d.Limits == nil || len(d.Workers) != 8 || d.Workers[1].CPUs != "4" {
		t.Errorf("%+v", d)
	}
	if o := execute(t, "topo", "--json"); o.status != exitDone || !json.Valid([]byte(o.stdout)) {
		t.Errorf("this machine: %+v", o)
	}
}

func TestTopoDrawsWhatIsIrregular(t *testing.T) {
	// A tree without anything but CPUs.
	root := t.TempDir()
	dir := filepath.Join(root, "sys/devices/system/cpu")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "online"), []byte("0-2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	o := execute(t, "topo", "--root", root)
	for _, want := range []string{"CPU 0 (worker 0)", "CPU 1 (worker 1)", "CPU 2 (worker 2)"} {
		if o.status != exitDone || strings.Count(o.stdout, want) != 1 {
			t.Errorf("status %d, %q not once in\n%s", o.status, want, o.stdout)
		}
	}
}
