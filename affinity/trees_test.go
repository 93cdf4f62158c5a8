package affinity_test

import (
	"archive/tar"
	"compress/bzip2"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

// treesEnv names a directory of trees of real machines: expected.json and an archive NAME.tar.bz2 for each name in it.
const treesEnv = "PINWHEEL_TEST_TOPOLOGIES"

func treesDir(t *testing.T) string {
	dir := os.Getenv(treesEnv)
	if dir == "" {
		dir = "../../shared/topologies" // beside the module's root
	}
	if _, err := os.Stat(filepath.Join(dir, "expected.json")); err != nil {
		t.Skipf("no trees of real machines to read: %v (set %s)", err, treesEnv)
	}
	return dir
}

// An expectation is what hwloc says about a tree. Sets of other than allowed CPUs occur in it.
type expectation struct {
	CountsComparable bool           `json:"counts_comparable"`
	Online           affinity.Set   `json:"online"`
	Allowed          affinity.Set   `json:"allowed"`
	Packages         int            `json:"packages"`
	Cores            int            `json:"cores"`
	PUs              int            `json:"pus"`
	L3               int            `json:"l3"`
	L2               int            `json:"l2"`
	Nodes            int            `json:"numa_with_allowed_cpus"`
	NodeIDs          []int          `json:"numa_os_index"`
	MostThreads      int            `json:"smt_max"`
	CoresByThreads   map[string]int `json:"cores_by_threads"`
	PackageSets      []affinity.Set `json:"package_sets"`
	L3Sets           []affinity.Set `json:"l3_sets"`
	Kinds            []expectedKind `json:"cpukinds"`
}

type expectedKind struct {
	cpus                      affinity.Set
	Capacity, MaxMHz, BaseMHz int
}

// UnmarshalJSON reads ["0-3", [["FrequencyMaxMHz", "800"]]].
func (k *expectedKind) UnmarshalJSON(text []byte) error {
	var attributes [][2]string
	pair := []any{&k.cpus, &attributes}
	if err := json.Unmarshal(text, &pair); err != nil {
		return err
	}
	for _, a := range attributes {
		n, err := strconv.Atoi(a[1])
		if err != nil {
			return err
		}
		switch a[0] {
		case "LinuxCapacity":
			k.Capacity = n
		case "FrequencyMaxMHz":
			k.MaxMHz = n
		case "FrequencyBaseMHz":
			k.BaseMHz = n
		default:
			return errors.New("unknown attribute " + a[0])
		}
	}
	return nil
}

func TestTreesOfRealMachinesAreReadAsHwlocReadsThem(t *testing.T) {
	dir := treesDir(t)
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]expectation
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	if len(expected) < 18 {
		t.Errorf("only %d trees", len(expected))
	}
	for i, name := range slices.Sorted(maps.Keys(expected)) {
		if testing.Short() && i%4 != 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			tree := unpack(t, filepath.Join(dir, name+".tar.bz2"))
			top := read(t, affinity.WithFS(tree))
			checkSane(t, top)
			compare(t, top, expected[name])
		})
	}
}

func compare(t *testing.T, top *affinity.Topology, want expectation) {
	equal := func(what string, got, want any) {
		t.Helper()
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	equal("online", top.Online, want.Online)
	equal("allowed", top.Allowed, want.Allowed)
	if !want.CountsComparable {
		t.Logf("counts rest on another definition; notes: %q", top.Notes)
		return
	}
	byThreads, most := map[string]int{}, 0
	for _, core := range top.Cores {
		byThreads[strconv.Itoa(core.Len())]++
		most = max(most, core.Len())
	}
	equal("packages", len(top.Packages), want.Packages)
	equal("cores", len(top.Cores), want.Cores)
	equal("CPUs", len(top.CPUs), want.PUs)
	equal("L3", len(top.L3), want.L3)
	equal("L2", len(top.L2), want.L2)
	equal("nodes", len(top.Nodes), want.Nodes)
	equal("threads of a core", most, want.MostThreads)
	equal("cores by threads", byThreads, want.CoresByThreads)
	equal("packages", sorted(top.Packages), sorted(want.PackageSets))
	equal("L3", sorted(top.L3), sorted(want.L3Sets))

	var ids []int
	for _, n := range top.Nodes {
		ids = append(ids, n.ID)
		if !slices.Contains(want.NodeIDs, n.ID) {
			t.Errorf("node %d is not one of %v", n.ID, want.NodeIDs)
		}
	}
	if len(want.NodeIDs) == want.Nodes { // it has the nodes without allowed CPUs too
		equal("node numbers", ids, want.NodeIDs)
	}

	var kinds []string
	for _, k := range top.Kinds {
		kinds = append(kinds, kindString(k.CPUs, k.Capacity, k.MaxMHz, k.BaseMHz))
	}
	var wantKinds []string
	for _, k := range want.Kinds {
		wantKinds = append(wantKinds, kindString(k.cpus.And(top.Allowed), k.Capacity, k.MaxMHz, k.BaseMHz))
	}
	equal("kinds", kinds, wantKinds)
}

func kindString(cpus affinity.Set, numbers ...int) string {
	s := cpus.String()
	for _, n := range numbers {
		s += " " + strconv.Itoa(n)
	}
	return s
}

func sorted(sets []affinity.Set) []string {
	var lists []string
	for _, s := range sets {
		if !s.IsEmpty() {
			lists = append(lists, s.String())
		}
	}
	slices.Sort(lists)
	return lists
}

// unpack reads an archive into memory, less the first directory of each name.
func unpack(t *testing.T, archive string) fs.FS {
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tree := fstest.MapFS{}
	for r := tar.NewReader(bzip2.NewReader(f)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return tree
		}
		if err != nil {
			t.Fatal(err)
		}
		_, name, _ := strings.Cut(path.Clean(h.Name), "/")
		switch h.Typeflag {
		case tar.TypeReg:
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			tree[name] = &fstest.MapFile{Data: data}
		case tar.TypeSymlink:
			tree[name] = &fstest.MapFile{Data: []byte(h.Linkname), Mode: fs.ModeSymlink}
		}
	}
}
