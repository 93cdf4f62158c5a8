//go:build !pinwheel_portable

package affinity_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/internal/confine"
)

func TestQuotaOfARealCgroupCutsTheWorkers(t *testing.T) {
	cpus := allowed(t).Len()
	for quota, cpuTime := range map[string]float64{"50000": 0.5, "150000": 1.5} {
		dir := confine.Group(t, "cpu", quota, "cpu.cfs_quota_us", quota)
		cmd := child("join=" + dir)
		got := reportOf(t, cmd, cmd.Start)
		if want := min(cpus, int(cpuTime+0.5)); got.DefaultWorkers != want || got.Quota != cpuTime {
			t.Errorf("quota %v: %d workers, want %d; read %v", cpuTime, got.DefaultWorkers, want, got.Quota)
		}
	}
}

func TestQuotaOfAParentCountsToo(t *testing.T) {
	parent := confine.Group(t, "cpu", "parent", "cpu.cfs_quota_us", "50000")
	dir := filepath.Join(parent, "child")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	cmd := child("join=" + dir)
	if got := reportOf(t, cmd, cmd.Start); got.DefaultWorkers != 1 || got.Quota != 0.5 {
		t.Errorf("%+v", got)
	}
}

func TestCpusetOfARealCgroupIsAllThatIsAllowed(t *testing.T) {
	cpus := allowed(t).List()
	last := cpus[len(cpus)-1]
	dir := confine.Group(t, "cpuset", "set", "cpuset.cpus", fmt.Sprint(last), "cpuset.mems", "0")
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
	dir := confine.Group(t, "cpuset", "set", "cpuset.cpus", fmt.Sprint(last), "cpuset.mems", "0")
	cmd := child("orphan=" + dir)
	if got := reportOf(t, cmd, cmd.Start); got.Restored != affinity.NewSet(last) {
		t.Errorf("%+v, want %d", got, last)
	}
}
