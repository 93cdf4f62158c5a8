//go:build linux && !pinwheel_portable

package sched

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

// resources are what a closed scheduler must not leave behind.
type resources struct {
	goroutines, threads, descriptors, procs int
}

func count(t *testing.T) (r resources) {
	t.Helper()
	entries := func(dir string) int {
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	return resources{runtime.NumGoroutine(), entries("/proc/self/task"), entries("/proc/self/fd"), runtime.GOMAXPROCS(0)}
}

// masks returns the affinity masks of all threads. The default scheduler's workers may be among them.
func masks(t *testing.T) map[string]bool {
	t.Helper()
	dirs, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, d := range dirs {
		text, err := os.ReadFile("/proc/self/task/" + d.Name() + "/status")
		if err != nil {
			continue // the thread has ended
		}
		_, rest, _ := strings.Cut(string(text), "Cpus_allowed_list:")
		line, _, _ := strings.Cut(rest, "\n")
		seen[strings.TrimSpace(line)] = true
	}
	return seen
}

func useAndClose(t *testing.T, workers int) {
	t.Helper()
	s, err := New(WithoutEnvironment(), WithWorkers(workers))
	if err != nil {
		t.Fatal(err)
	}
	ctx := With(context.Background(), s)
	if n, err := Run(ctx, func(t *Task) (int, error) { return fib(t, 12), nil }); n != 144 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := Go(ctx, func(t *Task) (int, error) { return fib(t, 12), nil }).Await(ctx); n != 144 || err != nil {
		t.Fatal(n, err)
	}
	AfterFunc(ctx, time.Hour, func() { t.Error("a timer has fired") })
	if err := Sleep(ctx, time.Microsecond); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	rounds := 500
	if testing.Short() || raceEnabled {
		rounds = 50
	}
	for range 10 { // let the runtime start what it keeps
		useAndClose(t, 2)
	}
	before, masksBefore := count(t), masks(t)
	for i := range rounds {
		useAndClose(t, 1+i%3)
	}
	// A goroutine that has done its last deed counts until it has returned, a thread until the kernel has ended it, and the runtime
	// may start some threads of its own at any time; a leak would show one a round.
	clean := func(r resources) bool {
		return r.goroutines <= before.goroutines && r.descriptors <= before.descriptors && r.procs == before.procs && r.threads < before.threads+rounds/2
	}
	pinned := func() (left []string) {
		for m := range masks(t) {
			if !masksBefore[m] {
				left = append(left, m)
			}
		}
		return left
	}
	after, left := count(t), pinned()
	for deadline := time.Now().Add(patience); (!clean(after) || len(left) > 0) && time.Now().Before(deadline); after, left = count(t), pinned() {
		runtime.Gosched()
	}
	if !clean(after) {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if len(left) > 0 {
		t.Errorf("threads with the affinity masks %q are left behind", left)
	}
}

// The test binary runs itself, restricted to one CPU, which is what containers and taskset do.
func TestEverythingRunsWhenRestrictedToOneCPU(t *testing.T) {
	allowed, err := affinity.Allowed()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("PINWHEEL_TEST_CPU") != "" {
		t.Skip("this is the restricted process")
	}
	cpus := slices.Compact([]int{allowed.First(), allowed.List()[allowed.Len()-1]})
	if testing.Short() {
		cpus = cpus[len(cpus)-1:]
	}
	for _, cpu := range cpus {
		runtime.LockOSThread()
		restore, err := affinity.Pin(cpu)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0], "-test.short", "-test.timeout=4m", "-test.run=FibIsRight|Loops|PanicAtAny|NestedCalls|SpinsForALater|LeavesNothing|OneWorkerByDefault")
		cmd.Env = append(os.Environ(), "PINWHEEL_TEST_CPU="+affinity.NewSet(cpu).String())
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		err = cmd.Start() // inherits this thread's mask
		if e := restore(); e != nil {
			t.Error(e)
		}
		runtime.UnlockOSThread()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("on CPU %d: %v\n%s", cpu, err, &out)
		}
	}
}

func TestOneWorkerByDefaultOnOneCPU(t *testing.T) {
	cpu := os.Getenv("PINWHEEL_TEST_CPU")
	if cpu == "" {
		t.Skip("only in the process that TestEverythingRunsWhenRestrictedToOneCPU starts")
	}
	s, ctx := newScheduler(t)
	if s.Workers() != 1 {
		t.Errorf("%d workers", s.Workers())
	}
	set, err := onWorker(ctx, func(*Task) (affinity.Set, error) { return affinity.Current() })
	if err != nil || set.String() != cpu {
		t.Errorf("the worker runs on %v (%v), not on %s", set, err, cpu)
	}
}

func TestWorkersArePinnedAndCommandsNeedNotBe(t *testing.T) {
	all, err := affinity.Allowed()
	if err != nil {
		t.Fatal(err)
	}
	_, ctx := newScheduler(t)
	where, err := onWorker(ctx, func(*Task) (affinity.Set, error) { return affinity.Current() })
	if err != nil || where.Len() != 1 {
		t.Errorf("a task may run on CPUs %v (%v)", where, err)
	}
	seen, err := onWorker(ctx, func(*Task) (string, error) {
		var out strings.Builder
		cmd := exec.Command("grep", "Cpus_allowed_list", "/proc/self/status")
		cmd.Stdout = &out
		if err := affinity.Unpinned(cmd.Start); err != nil {
			return "", err
		}
		err := cmd.Wait()
		return strings.TrimSpace(strings.TrimPrefix(out.String(), "Cpus_allowed_list:")), err
	})
	if err != nil || seen != all.String() {
		t.Errorf("a command may run on CPUs %q (%v), want %q", seen, err, all)
	}
}

func TestAnIdleSchedulerUsesNoCPU(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(8))
	if err := For(ctx, 10_000, func(int) {}); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(patience)
	for s.Stats().Awake > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("workers do not park: %+v", s.Stats())
		}
		runtime.Gosched()
	}
	parks := s.Stats().Parks
	runtime.GC()
	if now := s.Stats(); now.Parks != parks || now.Awake != 0 {
		t.Errorf("parked workers woke up: %+v", now)
	}
}
