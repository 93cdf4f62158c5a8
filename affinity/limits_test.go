package affinity_test

import (
	"math"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

// filesOf makes a tree of alternating names and contents.
func filesOf(namesAndContents ...string) fstest.MapFS {
	tree := fstest.MapFS{}
	for i := 0; i < len(namesAndContents); i += 2 {
		tree[namesAndContents[i]] = &fstest.MapFile{Data: []byte(namesAndContents[i+1])}
	}
	return tree
}

const (
	mountV2  = "30 23 0:26 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw\n"
	mountCPU = "33 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
)

func TestLimitsAreTheTightestOfCgroupAndAncestors(t *testing.T) {
	const mountinfo, self, cpuset = "proc/self/mountinfo", "proc/self/cgroup", "proc/self/cpuset"
	for _, c := range []struct {
		what    string
		tree    fstest.MapFS
		quota   float64
		cpus    string
		workers int // of 8 CPUs
	}{
		{"no cgroups at all", filesOf(), 0, "", 8},
		{
			"v2 without a limit",
			filesOf(mountinfo, mountV2, self, "0::/a\n", "sys/fs/cgroup/a/cpu.max", "max 100000\n"), 0, "", 8,
		},
		{
			"v2, half a CPU",
			filesOf(mountinfo, mountV2, self, "0::/a\n", "sys/fs/cgroup/a/cpu.max", "50000 100000\n"), 0.5, "", 1,
		},
		{
			"v2, exactly three CPUs",
			filesOf(mountinfo, mountV2, self, "0::/a\n", "sys/fs/cgroup/a/cpu.max", "300000 100000\n"), 3, "", 3,
		},
		{
			"v2, a hair more than three",
			filesOf(mountinfo, mountV2, self, "0::/a\n", "sys/fs/cgroup/a/cpu.max", "300001 100000\n"), 3.00001, "", 4,
		},
		{
			"v2, the parent is tighter",
			filesOf(
				mountinfo, mountV2, self, "0::/a/b/c\n", "sys/fs/cgroup/a/cpu.max", "100000 100000",
				"sys/fs/cgroup/a/b/cpu.max", "max 100000", "sys/fs/cgroup/a/b/c/cpu.max", "400000 100000",
			), 1, "", 1,
		},
		{
			"v2, the quota is more than the machine",
			filesOf(mountinfo, mountV2, self, "0::/\n", "sys/fs/cgroup/cpu.max", "9999999999 1000\n"), 9999999.999, "", 8,
		},
		{
			"v2, the period has its default",
			filesOf(mountinfo, mountV2, self, "0::/\n", "sys/fs/cgroup/cpu.max", "200000"), 2, "", 2,
		},
		{
			"v2, the controller of the cpuset is only enabled in the parent",
			filesOf(mountinfo, mountV2, self, "0::/a/b\n", "sys/fs/cgroup/a/cpuset.cpus.effective", "1-2\n"), 0, "1-2", 8,
		},
		{
			"v2, a partition has CPUs that its parent has given away",
			filesOf(
				mountinfo, mountV2, self, "0::/a/b\n", "sys/fs/cgroup/a/cpuset.cpus.effective", "0-3",
				"sys/fs/cgroup/a/b/cpuset.cpus.effective", "4-7",
			), 0, "4-7", 8,
		},
		{
			"v2, only what was asked for can be read",
			filesOf(
				mountinfo, mountV2, self, "0::/a/b\n", "sys/fs/cgroup/a/cpuset.cpus", "0-3",
				"sys/fs/cgroup/a/b/cpuset.cpus", "2-5",
			), 0, "2-3", 8,
		},
		{
			"v1, minus one is no quota",
			filesOf(
				mountinfo, mountCPU, self, "1:cpu:/a\n", "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "-1",
				"sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000",
			), 0, "", 8,
		},
		{
			"v1, without a period there is no quota",
			filesOf(mountinfo, mountCPU, self, "1:cpu:/a\n", "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "100000"), 0, "", 8,
		},
		{
			"v1, a period of zero or less is no quota",
			filesOf(
				mountinfo, mountCPU, self, "1:cpu:/a/b\n",
				"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "100000", "sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "0",
				"sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "100000", "sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "-5",
			), 0, "", 8,
		},
		{
			"v1 and v2 both have a quota",
			filesOf(
				mountinfo, mountCPU+mountV2, self, "1:cpu:/a\n0::/b\n",
				"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "250000", "sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000",
				"sys/fs/cgroup/b/cpu.max", "150000 100000",
			), 1.5, "", 2,
		},
		{
			"the mount shows the cgroup of a container at its root",
			filesOf(
				mountinfo, "33 31 0:29 /docker/4f /cg/cpu rw - cgroup cgroup rw,cpu\n", self, "1:cpu:/docker/4f\n",
				"cg/cpu/cpu.cfs_quota_us", "200000", "cg/cpu/cpu.cfs_period_us", "100000",
			), 2, "", 2,
		},
		{
			"the process is in a part of the container",
			filesOf(
				mountinfo, "33 31 0:29 /docker/4f /cg/cpu rw - cgroup cgroup rw,cpu\n", self, "1:cpu:/docker/4f/x\n",
				"cg/cpu/x/cpu.cfs_quota_us", "200000", "cg/cpu/x/cpu.cfs_period_us", "100000",
			), 2, "", 2,
		},
		{
			"a second mount shows somebody else's cgroup",
			filesOf(
				mountinfo, "33 31 0:29 /other /mnt/x rw - cgroup cgroup rw,cpu\n"+mountCPU, self, "1:cpu:/mine\n",
				"mnt/x/cpu.cfs_quota_us", "100000", "mnt/x/cpu.cfs_period_us", "100000",
				"sys/fs/cgroup/cpu/mine/cpu.cfs_quota_us", "300000", "sys/fs/cgroup/cpu/mine/cpu.cfs_period_us", "100000",
			), 3, "", 3,
		},
		{
			"the cgroup is outside of the namespace",
			filesOf(mountinfo, mountV2, self, "0::/../other\n", "sys/fs/cgroup/cpu.max", "200000 100000", "other/cpu.max", "1 1"),
			2, "", 2,
		},
		{
			"the cgroup has been removed",
			filesOf(mountinfo, mountV2, self, "0::/a/b (deleted)\n", "sys/fs/cgroup/a/cpu.max", "200000 100000"), 2, "", 2,
		},
		{
			"the mount point has a space in it",
			filesOf(mountinfo, `30 23 0:26 / /my\040cgroups rw - cgroup2 cgroup2 rw`, self, "0::/a\n", "my cgroups/a/cpu.max", "200000 100000"),
			2, "", 2,
		},
		{
			"there is no mountinfo, but mounts",
			filesOf("proc/mounts", "cgroup2 /cg cgroup2 rw 0 0\n", self, "0::/a\n", "cg/a/cpu.max", "200000 100000"), 2, "", 2,
		},
		{
			"the old file system for cpusets",
			filesOf("proc/mounts", "none /dev/cpuset cpuset rw 0 0\n", cpuset, "/job\n", "dev/cpuset/job/cpus", "3,5\x00\x00"),
			0, "3,5", 8,
		},
	} {
		l, err := affinity.ReadLimits(affinity.WithFS(c.tree))
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(l.Quota-c.quota) > 1e-9 || l.CPUs.String() != c.cpus || l.Workers(8) != c.workers {
			t.Errorf("%s: quota %v, CPUs %q, %d workers; want %v, %q, %d", c.what, l.Quota, l.CPUs, l.Workers(8), c.quota, c.cpus, c.workers)
		}
		if (l.QuotaFrom == "") != (l.Quota == 0) || (l.CPUsFrom == "") != l.CPUs.IsEmpty() {
			t.Errorf("%s: limits from %q and %q", c.what, l.QuotaFrom, l.CPUsFrom)
		}
	}
}

func TestMalformedLimitsAreLeftOutAndNoted(t *testing.T) {
	for _, text := range []string{"", "100000 0", "-1 100000", "1 2 3", "x 100000", "1e5 100000", "99999999999999999999 1", "\xff"} {
		l, err := affinity.ReadLimits(affinity.WithFS(filesOf(
			"proc/self/mountinfo", mountV2, "proc/self/cgroup", "0::/\n",
			"sys/fs/cgroup/cpu.max", text, "sys/fs/cgroup/cpuset.cpus.effective", "4-2",
		)))
		if err != nil || l.Quota != 0 || !l.CPUs.IsEmpty() {
			t.Errorf("cpu.max %q: %+v, %v", text, l, err)
		}
		notes := strings.Join(l.Notes, "\n")
		if !strings.Contains(notes, "sys/fs/cgroup/cpu.max") || !strings.Contains(notes, "cpuset.cpus.effective") {
			t.Errorf("cpu.max %q: notes %q", text, l.Notes)
		}
	}
}

func TestDefaultWorkersIsAtLeastOneAndAtMostTheAllowedCPUs(t *testing.T) {
	set, _ := affinity.Allowed()
	if n := affinity.DefaultWorkers(); n < 1 || n > set.Len() {
		t.Errorf("%d workers for the CPUs %v", n, set)
	}
	if n := (affinity.Limits{}).Workers(0); n != 1 {
		t.Errorf("%d workers for no CPU", n)
	}
}

func FuzzLimits(f *testing.F) {
	f.Add(mountV2, "0::/a/b\n", "50000 100000", "-1", "100000", "0-3")
	f.Add(mountCPU+mountV2, "1:cpu,cpuacct:/a\n0::/../b\n", "max 100000", "150000", "100000", "")
	f.Add("33 31 0:29 /docker/4f /cg/cpu rw - cgroup cgroup rw,cpu,cpuset\n", "1:cpu,cpuset:/docker/4f/x\n", "", "0", "0", "5-3")
	f.Add(`30 23 0:26 /.. /a\040b\134c\1 rw - cgroup2 x rw`, "::\n:::", "9223372036854775807 1", "1", "-1", "0-4294967295")
	f.Add("none /dev/cpuset cgroup rw,cpuset,noprefix 0 0\n - - - ", strings.Repeat("0::/x\n", 50), "1 1 1", "+1", "1_0", "\x00")
	f.Fuzz(func(t *testing.T, mounts, self, max, quota, period, cpuset string) {
		tree := filesOf("proc/self/mountinfo", mounts, "proc/self/cgroup", self, "proc/self/cpuset", self, "proc/mounts", mounts)
		for _, dir := range []string{"sys/fs/cgroup", "sys/fs/cgroup/a", "sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu/a", "cg/cpu", "cg/cpu/x", "a b\\c"} {
			for name, text := range map[string]string{
				"cpu.max": max, "cpu.cfs_quota_us": quota, "cpu.cfs_period_us": period,
				"cpuset.cpus": cpuset, "cpuset.cpus.effective": cpuset, "cpus": cpuset,
			} {
				tree[dir+"/"+name] = &fstest.MapFile{Data: []byte(text)}
			}
		}
		l, err := affinity.ReadLimits(affinity.WithFS(tree))
		if err != nil {
			t.Fatal(err)
		}
		if !(l.Quota >= 0) || math.IsInf(l.Quota, 0) || (l.Quota > 0) != (l.QuotaFrom != "") || l.CPUs.IsEmpty() != (l.CPUsFrom == "") {
			t.Errorf("%+v", l)
		}
		for _, n := range []int{0, 1, 8} {
			if w := l.Workers(n); w < 1 || n > 0 && w > n {
				t.Errorf("%d workers for %d CPUs, quota %v", w, n, l.Quota)
			}
		}
		checkSane(t, read(t, affinity.WithFS(tree)))
	})
}
