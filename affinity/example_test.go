package affinity_test

import (
	"errors"
	"fmt"
	"log"
	"os/exec"
	"runtime"
	"testing/fstest"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/affinity/machine"
)

func ExampleParseList() {
	set, err := affinity.ParseList("0-3,8")
	fmt.Println(set.List(), set.Len(), err)
	_, err = affinity.ParseList("5-3")
	fmt.Println(err)
	// Output:
	// [0 1 2 3 8] 5 <nil>
	// affinity: CPU list "5-3": range 5-3 runs backwards; want CPU numbers from 0 to 8191 and ascending ranges, separated by commas, such as 0-3,8
}

func ExampleParsePolicy() {
	p, err := affinity.ParsePolicy("compact")
	fmt.Println(p == affinity.Compact, err)
	_, err = affinity.ParsePolicy("compakt")
	fmt.Println(err)
	// Output:
	// true <nil>
	// affinity: policy "compakt": want auto, none, compact, scatter, cores, numa, or a CPU list such as 0-3,8
}

// Where four workers sit on a machine with two packages, each of two cores with two threads.
func ExampleMap() {
	m, err := machine.Parse(`
		cpus 0-7
		package 0-3/2+4
		node 0-3/2+4
		core 0-3/1+4
	`)
	if err != nil {
		log.Fatal(err)
	}
	top, err := affinity.Read(affinity.WithFS(m.FS))
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range []affinity.Policy{affinity.Auto, affinity.Compact, affinity.Cores, affinity.Scatter, affinity.NUMA} {
		places, err := affinity.Map(top, p, 4)
		fmt.Printf("%-8v%v %v\n", p, places, err)
	}
	// Output:
	// auto    [   ] <nil>
	// compact [0 4 1 5] <nil>
	// cores   [0 1 2 3] <nil>
	// scatter [0 2 1 3] <nil>
	// numa    [0-1,4-5 0-1,4-5 2-3,6-7 2-3,6-7] <nil>
}

func ExampleTopology_Distance() {
	m, err := machine.Parse(`
		cpus 0-7
		package 0-3/2+4
		node 0-3/2+4
		l3 0-3/2+4
		core 0-3/1+4
	`)
	if err != nil {
		log.Fatal(err)
	}
	top, err := affinity.Read(affinity.WithFS(m.FS))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(top.Distance(0, 4) == affinity.SameCore, top.Distance(0, 1) == affinity.SameL3, top.Distance(0, 2) == affinity.Remote)
	// Output: true true true
}

func ExampleRead() {
	top, err := affinity.Read()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(top.Packages), "packages", len(top.Nodes), "nodes", len(top.Cores), "cores", top.Allowed.Len(), "CPUs")
	for _, note := range top.Notes {
		fmt.Println("note:", note)
	}
}

func ExamplePin() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	restore, err := affinity.Pin(1)
	if errors.Is(err, affinity.ErrUnsupported) {
		fmt.Println("not on this system") // and restore does nothing
	} else if err != nil {
		fmt.Println("not today:", err)
	}
	defer func() { _ = restore() }()
}

// A command that is started from a pinned thread would be confined to its CPU.
func ExampleUnpinned() {
	cmd := exec.Command("make", "-j")
	if err := affinity.Unpinned(cmd.Start); err != nil {
		log.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		log.Fatal(err)
	}
}

func ExampleDefaultWorkers() {
	fmt.Println(affinity.DefaultWorkers() >= 1)
	// Output: true
}

// A cgroup grants one and a half CPUs, so two workers are enough, however many CPUs there are.
func ExampleReadLimits() {
	limits, err := affinity.ReadLimits(affinity.WithFS(fstest.MapFS{
		"proc/self/cgroup":          {Data: []byte("0::/job\n")},
		"proc/self/mountinfo":       {Data: []byte("24 1 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n")},
		"sys/fs/cgroup/job/cpu.max": {Data: []byte("150000 100000\n")},
	}))
	fmt.Println(limits.Quota, limits.QuotaFrom, limits.Workers(64), err)
	// Output: 1.5 /sys/fs/cgroup/job/cpu.max 2 <nil>
}
