package affinity_test

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/affinity/machine"
)

// flat checks that a topology is the documented default for the given CPUs.
func flat(t *testing.T, top *affinity.Topology, cpus string) {
	t.Helper()
	checkSane(t, top)
	n := top.Allowed.Len()
	if top.Allowed.String() != cpus || len(top.Packages) != 1 || len(top.Dies) != 1 || len(top.Nodes) != 1 ||
		len(top.Cores) != n || len(top.L2) != 0 || len(top.L3) != 0 || len(top.Kinds) != 0 {
		t.Errorf("not the default: %+v", top)
	}
}

func TestRootThatCannotBeOpenedIsAnErrorAndOneCPU(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	top, err := affinity.Read(affinity.WithRoot(missing))
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("error: %v", err)
	}
	flat(t, top, "0")
	if _, err := affinity.ReadLimits(affinity.WithRoot(missing)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error: %v", err)
	}
	flat(t, read(t, affinity.WithFS(nil)), "0")
}

func TestRootIsReadWithItsLinksButNotBeyond(t *testing.T) {
	outside, root := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	cpu := filepath.Join(root, "sys/devices/system/cpu")
	write(filepath.Join(outside, "secret"), "0-3")
	write(filepath.Join(cpu, "online"), "0-3\n")
	write(filepath.Join(cpu, "cpu0/topology/thread_siblings"), "3\n")
	write(filepath.Join(cpu, "policy/cpuinfo_max_freq"), "2000000\n")
	for link, target := range map[string]string{
		"cpu0/cpufreq":                        "../policy",
		"cpu0/topology/core_siblings":         filepath.Join(outside, "secret"),
		"cpu2/topology/thread_siblings_list":  "../../../../../../../../../../../../../../proc/self/status",
		"cpu3/topology/thread_siblings_list":  "thread_siblings_list",
		"cpu1/cpufreq":                        "../../../../../../policy",
		"cpu2/cache/index2/../../cache":       "cache",
		"cpu3/cache/index2/shared_cpu_list/x": "x",
	} {
		name := filepath.Join(cpu, link)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, name); err != nil {
			t.Skipf("no symbolic links: %v", err)
		}
	}
	top := read(t, affinity.WithRoot(root))
	checkSane(t, top)
	if len(top.Packages) != 1 || top.Cores[0].String() != "0-1" || len(top.Cores) != 3 {
		t.Errorf("packages %v, cores %v", top.Packages, top.Cores)
	}
	if len(top.Kinds) != 1 || top.Kinds[0].CPUs.String() != "0" || top.Kinds[0].MaxMHz != 2000 {
		t.Errorf("kinds %+v", top.Kinds)
	}
	if len(top.Notes) == 0 {
		t.Error("nothing is noted")
	}
}

// endless is a file system in which every file exists and never ends.
type endless struct{}

func (endless) Open(name string) (fs.File, error) { return endless{}, nil }
func (endless) Stat() (fs.FileInfo, error)        { return endless{}, nil }
func (endless) Close() error                      { return nil }
func (endless) Name() string                      { return "endless" }
func (endless) Size() int64                       { return 0 }
func (endless) Mode() fs.FileMode                 { return 0 }
func (endless) ModTime() time.Time                { return time.Time{} }
func (endless) IsDir() bool                       { return false }
func (endless) Sys() any                          { return nil }
func (endless) Read(b []byte) (int, error) {
	copy(b, "0-")
	return len(b), nil
}

// broken is a file system in which every file exists and cannot be read.
type broken struct{ endless }

func (broken) Open(name string) (fs.File, error) { return broken{}, nil }
func (broken) Read(b []byte) (int, error)        { return 0, io.ErrUnexpectedEOF }

func TestFilesThatNeverEndOrCannotBeReadAreMissing(t *testing.T) {
	for _, fsys := range []fs.FS{endless{}, broken{}} {
		top := read(t, affinity.WithFS(fsys))
		flat(t, top, "0")
		if len(top.Notes) == 0 || len(top.Notes) > 100 {
			t.Errorf("%d notes", len(top.Notes))
		}
	}
}

func TestDirectoriesInPlaceOfFilesAreMissing(t *testing.T) {
	m := load(t, "epyc-2s-nps4").FS.(fstest.MapFS)
	turned := fstest.MapFS{"proc/stat": {Data: []byte("cpu0\ncpu1\n")}}
	for name := range m {
		turned[name] = &fstest.MapFile{Mode: fs.ModeDir}
	}
	checkSane(t, read(t, affinity.WithFS(turned)))
}

func TestHostileTreesCostLittle(t *testing.T) {
	manyNodes := fstest.MapFS{"sys/devices/system/cpu/online": {Data: []byte("0-1199")}}
	for id := range 1200 {
		number := strconv.Itoa(id)
		manyNodes["sys/devices/system/node/node"+number+"/cpulist"] = &fstest.MapFile{Data: []byte(number)}
	}
	for what, tree := range map[string]fs.FS{
		"as many CPUs as there can be":   filesOf("sys/devices/system/cpu/online", "0-8191"),
		"a list of too many CPUs":        filesOf("sys/devices/system/cpu/online", "0-4294967295"),
		"a line that never ends":         filesOf("proc/stat", strings.Repeat("cpu0 ", 1<<20)),
		"as many mounts as fit":          filesOf("proc/self/mountinfo", strings.Repeat(mountV2, 1<<17), "proc/self/cgroup", "0::/"+strings.Repeat("a/", 2000)),
		"a mount point that is too long": filesOf("proc/self/mountinfo", strings.Replace(mountV2, "/sys", strings.Repeat("/a", 30000), 1), "proc/self/cgroup", "0::"+strings.Repeat("/a", 2000)),
		"a path that is too long":        filesOf("proc/self/mountinfo", mountV2, "proc/self/cgroup", "0::/"+strings.Repeat("a/", 20000)),
		"a node for each CPU":            manyNodes,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		top := read(t, affinity.WithFS(tree))
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if top.Allowed.IsEmpty() || len(top.CPUs) != top.Allowed.Len() || len(top.Nodes) != 1 {
			t.Errorf("%s: %d CPUs, %d nodes", what, len(top.CPUs), len(top.Nodes))
		}
		const most = 200 << 20
		if got := after.TotalAlloc - before.TotalAlloc; got > most || took > 2*time.Minute {
			t.Errorf("%s: %d MB in %v", what, got>>20, took)
		}
	}
}

// TestEveryTruncationIsSurvived cuts each file of a description at each length.
func TestEveryTruncationIsSurvived(t *testing.T) {
	for _, name := range []string{"container-v1", "container-hybrid", "arm-biglittle", "sparse-ids"} {
		m := load(t, name)
		tree := m.FS.(fstest.MapFS)
		for _, file := range slices.Sorted(maps.Keys(tree)) {
			whole := tree[file].Data
			for n := 0; n < len(whole); n += 1 + len(whole)/6 {
				tree[file].Data = whole[:n]
				checkSane(t, read(t, affinity.WithFS(tree)))
			}
			tree[file].Data = whole
			if t.Failed() {
				t.Fatalf("%s: %s", name, file)
			}
		}
	}
}

func FuzzTopology(f *testing.F) {
	f.Add("0-3", "3", "f", "0-1", "f", "10", "1024", "2000000", "0-1")
	f.Add("0-1,3", "00000002", "", "1-0", "0-3", "10 20", "-1", "0", "")
	f.Add("1,4097", "ffffffff,00000000", "\x00", "0-4294967295", "5", "0 0", "1e3", "99999999999", "4097")
	f.Add("", "", "", "", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, online, core, pack, list, node, distance, capacity, mhz, hybrid string) {
		tree := filesOf("sys/devices/system/cpu/online", online, "sys/devices/cpu_core/cpus", hybrid, "sys/devices/cpu_atom/cpus", list)
		for _, cpu := range []string{"0", "1", "2", "3", "4097"} {
			dir := "sys/devices/system/cpu/cpu" + cpu + "/"
			for name, text := range map[string]string{
				"topology/core_cpus": core, "topology/core_siblings": pack, "topology/die_cpus_list": list,
				"cache/index2/level": "2", "cache/index2/shared_cpu_list": list, "cache/index2/shared_cpu_map": core,
				"cache/index3/level": "3", "cache/index3/type": "Unified", "cache/index3/shared_cpu_map": pack,
				"cpu_capacity": capacity, "cpufreq/cpuinfo_max_freq": mhz,
			} {
				tree[dir+name] = &fstest.MapFile{Data: []byte(text)}
			}
			// The CPUs must differ from each other somewhere.
			core, pack, list, capacity = pack, list, core, mhz
		}
		for _, n := range []string{"0", "2"} {
			tree["sys/devices/system/node/node"+n+"/cpulist"] = &fstest.MapFile{Data: []byte(node)}
			tree["sys/devices/system/node/node"+n+"/distance"] = &fstest.MapFile{Data: []byte(distance)}
			node = pack
		}
		if set, err := affinity.ParseList(strings.TrimSpace(online)); err == nil && set.Len() > 64 {
			t.Skip("too slow for fuzzing")
		}
		checkSane(t, read(t, affinity.WithFS(tree)))
	})
}

func FuzzMachine(f *testing.F) {
	f.Add("cpus 0-7\npackage 0-7/4\ncore 0-3/1+4\nnode 0-7%2 -\ndistance 1 2 3\noffline 3\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := machine.Parse(text)
		if err == nil && len(m.FS.(fstest.MapFS)) < 1000 {
			checkSane(t, read(t, affinity.WithFS(m.FS)))
		}
	})
}
