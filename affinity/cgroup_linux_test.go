//go:build !pinwheel_portable

package affinity_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

// group makes a cgroup of version 1 below the root of a hierarchy, or skips. files alternates names and values.
func group(t *testing.T, controller, name string, files ...string) string {
	t.Helper()
	dir := filepath.Join("/sys/fs/cgroup", controller, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skipf("cannot make a cgroup of version 1: %v", err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0); err != nil {
			t.Skipf("cannot limit a cgroup of version 1: %v", err)
		}
	}
	return dir
}

func TestQuotaOfARealCgroupCutsTheWorkers(t *testing.T) {
	cpus := allowed(t).Len()
	for quota, cpuTime := range map[string]float64{"50000": 0.5, "150000": 1.5} {
		dir := group(t, "cpu", fmt.Sprintf("pinwheel-test-%d-%s", os.Getpid(), quota), "cpu.cfs_quota_us", quota)
		cmd := child("join=" + dir)
		got := reportOf(t, cmd, cmd.Start)
		if want := min(cpus, int(cpuTime+0.5)); got.DefaultWorkers != want || got.Quota != cpuTime {
			t.Errorf("quota %v: %d workers, want %d; read %v", cpuTime, got.DefaultWorkers, want, got.Quota)
		}
	}
}

func TestQuotaOfAParentCountsToo(t *testing.T) {
	name := fmt.Sprintf("pinwheel-test-%d", os.Getpid())
	group(t, "cpu", name, "cpu.cfs_quota_us", "50000")
	dir := group(t, "cpu", name+"/child")
	cmd := child("join=" + dir)
	if got := reportOf(t, cmd, cmd.Start); got.DefaultWorkers != 1 || got.Quota != 0.5 {
		t.Errorf("%+v", got)
	}
}

func TestCpusetOfARealCgroupIsAllThatIsAllowed(t *testing.T) {
	cpus := allowed(t).List()
	last := cpus[len(cpus)-1]
	dir := group(t, "cpuset", fmt.Sprintf("pinwheel-test-%d", os.Getpid()), "cpuset.cpus", fmt.Sprint(last), "cpuset.mems", "0")
	cmd := child("join=" + dir)
	got := reportOf(t, cmd, cmd.Start)
	only := affinity.NewSet(last)
	if got.Allowed != only || got.Topology != only || got.DefaultWorkers != 1 || got.Pinned != only {
		t.Errorf("cpuset %v: %+v", only, got)
	}
}

func TestRestoreOfCPUsThatAreGoneGivesTheThreadWhatThereIs(t *testing.T) {
	cpus := allowed(t)
	last := cpus.List()[cpus.Len()-1]
	if cpus.Len() < 2 || !cpus.Has(0) {
		t.Skipf("needs CPU 0 and another one, has %v", cpus)
	}
	dir := group(t, "cpuset", fmt.Sprintf("pinwheel-test-%d", os.Getpid()), "cpuset.cpus", fmt.Sprint(last), "cpuset.mems", "0")
	cmd := child("orphan=" + dir)
	if got := reportOf(t, cmd, cmd.Start); got.Restored != affinity.NewSet(last) {
		t.Errorf("%+v, want %d", got, last)
	}
}
