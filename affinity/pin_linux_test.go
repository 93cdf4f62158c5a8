//go:build !pinwheel_portable

package affinity_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

func current(t *testing.T) affinity.Set {
	t.Helper()
	set, err := affinity.Current()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func allowed(t *testing.T) affinity.Set {
	t.Helper()
	set, err := affinity.Allowed()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// lock locks the test to its thread for its duration.
func lock(t *testing.T) {
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
}

func TestPinRestrictsTheThreadAndRestoreGivesItsMaskBack(t *testing.T) {
	lock(t)
	before := current(t)
	for _, cpu := range before.List() {
		restore, err := affinity.Pin(cpu)
		if err != nil {
			t.Fatal(err)
		}
		if got := current(t); got != affinity.NewSet(cpu) {
			t.Errorf("pinned to %d, the mask is %v", cpu, got)
		}
		if err := errors.Join(restore(), restore()); err != nil {
			t.Error(err)
		}
		if got := current(t); got != before {
			t.Errorf("restored, the mask is %v, was %v", got, before)
		}
	}
}

func TestOldRestoreDoesNotUndoANewPin(t *testing.T) {
	lock(t)
	before := current(t)
	old, err1 := affinity.Pin(before.First())
	err2 := old()
	restore, err3 := affinity.Pin(before.First())
	if err := errors.Join(err1, err2, err3, old()); err != nil {
		t.Fatal(err)
	}
	if got := current(t); got.Len() != 1 {
		t.Errorf("the mask is %v", got)
	}
	if err := restore(); err != nil {
		t.Error(err)
	}
}

func TestAllowedLooksBehindThePin(t *testing.T) {
	lock(t)
	before := allowed(t)
	pin := affinity.NewSet(before.First())
	restore, err := affinity.PinSet(pin)
	if err != nil {
		t.Fatal(err)
	}
	if got := allowed(t); got != before {
		t.Errorf("Allowed on the pinned thread is %v, want %v", got, before)
	}
	if got := read(t).Allowed; got != before {
		t.Errorf("Read on the pinned thread allows %v, want %v", got, before)
	}
	if got := current(t); got != pin {
		t.Errorf("asking unpinned the thread: %v", got)
	}
	if err := restore(); err != nil {
		t.Error(err)
	}
}

func TestPinsNest(t *testing.T) {
	lock(t)
	before := allowed(t)
	cpus := before.List()
	first, last := affinity.NewSet(cpus[0]), affinity.NewSet(cpus[len(cpus)-1])
	outer, err1 := affinity.PinSet(first)
	inner, err2 := affinity.PinSet(last)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if got := allowed(t); got != before {
		t.Errorf("Allowed under two pins is %v, want %v", got, before)
	}
	if err := inner(); err != nil || current(t) != first {
		t.Errorf("after the inner restore: %v, %v", current(t), err)
	}
	if got := allowed(t); got != before {
		t.Errorf("Allowed after the inner restore is %v, want %v", got, before)
	}
	if err := outer(); err != nil || current(t) != before {
		t.Errorf("after the outer restore: %v, %v", current(t), err)
	}
}

func TestAllowedHeedsAMaskThatThisPackageDidNotSet(t *testing.T) {
	lock(t)
	before := current(t)
	restore, err := affinity.Pin(before.First())
	if err := errors.Join(err, restore()); err != nil {
		t.Fatal(err)
	}
	var narrow, wide unix.CPUSet
	narrow.Set(before.First())
	for _, cpu := range before.List() {
		wide.Set(cpu)
	}
	if err := unix.SchedSetaffinity(0, &narrow); err != nil {
		t.Fatal(err)
	}
	if got := allowed(t); got != affinity.NewSet(before.First()) {
		t.Errorf("Allowed is %v on a thread restricted to %d", got, before.First())
	}
	if err := unix.SchedSetaffinity(0, &wide); err != nil {
		t.Fatal(err)
	}
}

func TestRestoreOnAnotherThreadIsAnError(t *testing.T) {
	lock(t)
	before := current(t)
	restore, err := affinity.Pin(before.First())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := make(chan error)
	go func() { elsewhere <- restore() }()
	if err := <-elsewhere; err == nil || !strings.Contains(err.Error(), "thread") {
		t.Errorf("restore on another thread: %v", err)
	}
	if err := restore(); err != nil || current(t) != before {
		t.Errorf("restore after that: %v, %v", current(t), err)
	}
}

func TestPinToCPUsThatAreNotThereIsAnErrorAndHarmless(t *testing.T) {
	lock(t)
	before := current(t)
	for _, set := range []affinity.Set{affinity.NewSet(8191), affinity.NewSet(1000, 5000)} {
		restore, err := affinity.PinSet(set)
		if !errors.Is(err, syscall.EINVAL) || !strings.Contains(err.Error(), set.String()) {
			t.Errorf("pinning to %v: %v", set, err)
		}
		if err := restore(); err != nil {
			t.Error(err)
		}
	}
	for _, cpu := range []int{-1, 8192, math.MaxInt} {
		if _, err := affinity.Pin(cpu); err == nil {
			t.Errorf("pinned to CPU %d", cpu)
		}
	}
	if _, err := affinity.PinSet(affinity.Set{}); err == nil {
		t.Error("pinned to no CPU")
	}
	if got := current(t); got != before {
		t.Errorf("the mask is %v, was %v", got, before)
	}
}

func TestPinSetTakesTheCPUsThatAreThere(t *testing.T) {
	lock(t)
	first := affinity.NewSet(current(t).First())
	restore, err := affinity.PinSet(first.Or(affinity.NewSet(8000)))
	if err != nil || current(t) != first {
		t.Errorf("the mask is %v, %v", current(t), err)
	}
	if err := restore(); err != nil {
		t.Error(err)
	}
}

func TestUnpinnedWidensTheMaskAndPinsAgain(t *testing.T) {
	lock(t)
	before := current(t)
	pin := affinity.NewSet(before.First())
	restore, err := affinity.PinSet(pin)
	if err != nil {
		t.Fatal(err)
	}
	mine := errors.New("mine")
	if err := affinity.Unpinned(func() error {
		if got := current(t); got != before {
			t.Errorf("unpinned, the mask is %v", got)
		}
		return mine
	}); err != mine {
		t.Errorf("Unpinned returned %v", err)
	}
	if got := current(t); got != pin {
		t.Errorf("pinned again, the mask is %v", got)
	}
	func() {
		defer func() { _ = recover() }()
		_ = affinity.Unpinned(func() error { panic("f panics") })
	}()
	if got := current(t); got != pin {
		t.Errorf("after a panic, the mask is %v", got)
	}
	if err := restore(); err != nil {
		t.Error(err)
	}
	if err := affinity.Unpinned(func() error { return mine }); err != mine {
		t.Errorf("Unpinned on a thread that is not pinned returned %v", err)
	}
}

func TestChildOfAPinnedThreadIsConfinedUnlessStartedUnpinned(t *testing.T) {
	lock(t)
	before := allowed(t)
	pin := affinity.NewSet(before.First())
	restore, err := affinity.PinSet(pin)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = restore() }()
	cmd := child("report")
	if got := reportOf(t, cmd, cmd.Start); got.Allowed != pin {
		t.Errorf("started in the ordinary way the child may use %v; expected it to inherit %v", got.Allowed, pin)
	}
	cmd = child("report")
	start := func() error { return affinity.Unpinned(cmd.Start) }
	if got := reportOf(t, cmd, start); got.Allowed != before {
		t.Errorf("started unpinned the child may use %v, want %v", got.Allowed, before)
	}
}

func TestProcessRestrictedToOneCPUUsesThatOne(t *testing.T) {
	lock(t)
	for _, cpu := range allowed(t).List() {
		restore, err := affinity.Pin(cpu)
		if err != nil {
			t.Fatal(err)
		}
		cmd := child("report") // as taskset -c would
		got := reportOf(t, cmd, cmd.Start)
		only := affinity.NewSet(cpu)
		if got.Allowed != only || got.Topology != only || got.DefaultWorkers != 1 || got.Pinned != only || got.Restored != only {
			t.Errorf("restricted to %d: %+v", cpu, got)
		}
		if err := restore(); err != nil {
			t.Error(err)
		}
	}
}

func TestNoThreadStaysPinned(t *testing.T) {
	before := allowed(t)
	pin := affinity.NewSet(before.First())
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			runtime.LockOSThread()
			restore, err := affinity.PinSet(pin)
			if err != nil {
				t.Error(err)
			}
			runtime.Gosched()
			if err := restore(); err != nil {
				t.Error(err)
			}
			if i%2 == 0 {
				runtime.UnlockOSThread() // otherwise the thread dies with the goroutine
			}
		})
	}
	wg.Wait()
	tasks, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(tasks) == 0 {
		t.Skipf("cannot list the threads: %v", err)
	}
	for _, task := range tasks {
		status, _ := os.ReadFile(task) // it may have ended
		_, mask, ok := strings.Cut(string(status), "Cpus_allowed_list:")
		mask, _, _ = strings.Cut(mask, "\n")
		if ok && strings.TrimSpace(mask) != before.String() {
			t.Errorf("%s: the mask is %s, want %v", task, strings.TrimSpace(mask), before)
		}
	}
}

func TestNamedPipeInATreeIsNotWaitedFor(t *testing.T) {
	root := t.TempDir()
	cpu := filepath.Join(root, "sys/devices/system/cpu")
	if err := errors.Join(os.MkdirAll(cpu, 0o755), unix.Mkfifo(filepath.Join(cpu, "online"), 0o644)); err != nil {
		t.Skip(err)
	}
	done := make(chan *affinity.Topology)
	go func() {
		top, _ := affinity.Read(affinity.WithRoot(root))
		done <- top
	}()
	select {
	case top := <-done:
		flat(t, top, "0")
	case <-time.After(time.Minute):
		t.Fatal("waited for a writer")
	}
}

// startRefused starts a child that has a system call refused, or skips.
func startRefused(t *testing.T, how string) report {
	t.Helper()
	if err := unix.Prctl(unix.PR_GET_SECCOMP, 0, 0, 0, 0); errors.Is(err, unix.EINVAL) {
		t.Skip("no seccomp in this kernel")
	}
	cmd := child(how)
	return reportOf(t, cmd, cmd.Start)
}

func TestRefusedPinIsAnErrorThatSaysSoAndHarmless(t *testing.T) {
	before := allowed(t)
	for how, want := range map[string]string{"eperm": "sandbox", "einval": "online and allowed"} {
		got := startRefused(t, how)
		if got.Allowed != before || got.AllowedError != "" {
			t.Errorf("%s: Allowed is %v, %s", how, got.Allowed, got.AllowedError)
		}
		if !strings.Contains(got.PinError, want) || got.Pinned != before || got.Restored != before {
			t.Errorf("%s: %+v", how, got)
		}
	}
}

func TestAllowedWithoutTheSystemCallIsNumCPUWithAnError(t *testing.T) {
	got := startRefused(t, "blind")
	if got.Allowed.Len() != runtime.NumCPU() || got.AllowedError == "" || got.PinError == "" || got.Topology.IsEmpty() {
		t.Errorf("%+v", got)
	}
}

func TestAllowedGrowsItsBufferForLargeKernels(t *testing.T) {
	got := startRefused(t, "wide")
	if before := allowed(t); got.Allowed != before || got.AllowedError != "" || got.Pinned.Len() != 1 || got.Restored != before {
		t.Errorf("%+v, want %v", got, before)
	}
}
