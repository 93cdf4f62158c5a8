package affinity

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Limits is what the process's cgroups leave it of the machine.
type Limits struct {
	// CPUs is the cpuset; empty if there is none or none could be read.
	CPUs     Set
	CPUsFrom string // the file that says so

	// Quota is the CPU time per time that the process may use: 1.5 is one and a half CPUs. It is the
	// smallest one of the cgroup and its visible ancestors; 0 if there is none.
	Quota     float64
	QuotaFrom string // the file that says so

	// Notes says what was malformed and has been left out.
	Notes []string
}

// Workers returns the number of workers for a process that may use n CPUs: n cut by the quota rounded up, and at least 1.
func (l Limits) Workers(n int) int {
	if l.Quota > 0 && l.Quota < float64(n) {
		n = int(math.Ceil(l.Quota))
	}
	return max(n, 1)
}

// DefaultWorkers returns the number of workers that suits this process: its allowed CPUs, cut by the cgroup's quota
// rounded up, and at least 1. It reads a handful of files.
func DefaultWorkers() int {
	cpus, _ := Allowed() // with an error, the default that Allowed documents
	limits, _ := ReadLimits()
	return limits.Workers(cpus.Len())
}

// ReadLimits reads the limits that cgroups of version 1, version 2 or both set for the process. The error is one of opening
// the tree that an option names; whatever is wrong inside means a limit that is not there.
func ReadLimits(opts ...Option) (Limits, error) {
	t, err := openTree(opts)
	if err != nil {
		return Limits{}, err
	}
	l := t.limits()
	l.Notes = t.notes
	return l, t.close()
}

func (t *tree) limits() Limits {
	mounts := t.cgroupMounts()
	self, _ := t.read("proc/self/cgroup")
	paths := parseCgroupPaths(self)
	cpuset, _ := t.read("proc/self/cpuset") // there, on old systems, where /proc/self/cgroup is not

	cpu := cgroupDirs(mounts, "cpu", paths["cpu"])
	cpusets := cgroupDirs(mounts, "cpuset", cmp.Or(paths["cpuset"], cpuset))
	v2 := cgroupDirs(mounts, unified, cmp.Or(paths[unified], cpuset))

	var l Limits
	l.tighten(t, cpu, v1Quota)
	l.tighten(t, v2, v2Quota)
	l.CPUs, l.CPUsFrom = t.cpuset(cpusets, "cpuset.effective_cpus", "cpuset.cpus", "effective_cpus", "cpus")
	if l.CPUs.IsEmpty() {
		l.CPUs, l.CPUsFrom = t.cpuset(v2, "cpuset.cpus.effective", "cpuset.cpus")
	}
	return l
}

// tighten lowers the quota to the smallest one of the directories.
func (l *Limits) tighten(t *tree, dirs []string, read func(*tree, string) (float64, string)) {
	for _, dir := range dirs {
		if q, from := read(t, dir); q > 0 && (l.Quota == 0 || q < l.Quota) {
			l.Quota, l.QuotaFrom = q, "/"+from
		}
	}
}

// cpuset returns the CPUs of the innermost directory that has any, cut by those of its ancestors. In each directory the first
// one of the files counts that says something: what is in effect comes before what was asked for. An ancestor that has given
// away all these CPUs to a partition does not count.
func (t *tree) cpuset(dirs []string, files ...string) (cpus Set, from string) {
	for _, dir := range dirs {
		for _, file := range files {
			name := dir + "/" + file
			set, ok := t.list(name)
			if !ok || set.IsEmpty() {
				continue
			}
			if cpus.IsEmpty() {
				cpus, from = set, "/"+name
			} else if both := cpus.And(set); !both.IsEmpty() {
				cpus = both
			}
			break
		}
	}
	return cpus, from
}

// v2Quota reads the quota of a cgroup of version 2, and the name of the file it is in. 0 is no quota.
func v2Quota(t *tree, dir string) (float64, string) {
	name := dir + "/cpu.max"
	s, ok := t.read(name)
	if !ok {
		return 0, name
	}
	q, err := parseCPUMax(s)
	if err != nil {
		t.note("%s: %v", name, err)
	}
	return q, name
}

// parseCPUMax reads cpu.max: a quota or "max", then the period, both in microseconds.
func parseCPUMax(s string) (float64, error) {
	f := strings.Fields(s)
	if len(f) == 0 || len(f) > 2 {
		return 0, fmt.Errorf("%s is not a quota and a period", quote(s))
	}
	if f[0] == "max" {
		return 0, nil
	}
	period := "100000" // the kernel's default
	if len(f) == 2 {
		period = f[1]
	}
	return ratio(f[0], period)
}

// v1Quota is v2Quota for version 1, where -1 is no quota.
func v1Quota(t *tree, dir string) (float64, string) {
	name := dir + "/cpu.cfs_quota_us"
	quota, ok := t.read(name)
	if !ok || strings.HasPrefix(quota, "-") {
		return 0, name
	}
	period, ok := t.read(dir + "/cpu.cfs_period_us")
	if !ok {
		return 0, name
	}
	q, err := ratio(quota, period)
	if err != nil {
		t.note("%s: %v", name, err)
	}
	return q, name
}

// ratio divides two positive integers. Anything else is no quota.
func ratio(quota, period string) (float64, error) {
	q, err1 := strconv.ParseInt(quota, 10, 64)
	p, err2 := strconv.ParseInt(period, 10, 64)
	if err := errors.Join(err1, err2); err != nil || q <= 0 || p <= 0 {
		return 0, fmt.Errorf("quota %s in a period of %s is not a quota", quote(quota), quote(period))
	}
	return float64(q) / float64(p), nil
}
