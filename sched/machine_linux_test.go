//go:build !pinwheel_portable

package sched

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/internal/confine"
)

// A confined is what a process says of the scheduler that it made in a small place.
type confined struct {
	Workers, Limit, Pinned int
	Fib                    int
	CPUs                   []string // that workers are pinned to, as the scheduler says
	Masks                  []string // of threads, apart from the usual one
	Adapted                bool
}

const confinedEnv = "SCHED_TEST_CONFINED"

// TestConfinedProcess is the process. It confines itself as it is told, makes a scheduler and uses it, reports, and for each line on its
// standard input adapts and reports again.
func TestConfinedProcess(t *testing.T) {
	do := os.Getenv(confinedEnv)
	if do == "" {
		t.Skip("only a part of TestTheDocumentedNumberOfWorkersRunsEverywhere")
	}
	var opts []Option
	for _, word := range strings.Fields(do) {
		name, arg, _ := strings.Cut(word, "=")
		var err error
		switch name {
		case "join":
			err = confine.Join(arg)
		case "eperm":
			err = confine.Refuse(unix.SYS_SCHED_SETAFFINITY, unix.EPERM, 0)
		case "einval":
			err = confine.Refuse(unix.SYS_SCHED_SETAFFINITY, unix.EINVAL, 0)
		case "policy":
			var p affinity.Policy
			p, err = affinity.ParsePolicy(arg)
			opts = append(opts, WithAffinity(p))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s, ctx := newScheduler(t, append(opts, withoutStandIns())...)
	report := func(adapted bool) {
		r := confined{Adapted: adapted}
		r.Fib, _ = Run(ctx, func(t *Task) (int, error) { return fib(t, 15), nil })
		if err := For(ctx, 1000, func(int) {}); err != nil {
			t.Fatal(err)
		}
		meet(t, ctx, s.Workers()) // each has its thread
		st := s.Stats()
		r.Workers, r.Limit, r.Pinned = s.Workers(), s.MaxWorkers(), st.Pinned
		for _, w := range st.PerWorker[:s.Workers()] {
			r.CPUs = append(r.CPUs, w.CPUs.String())
		}
		for m := range masks(t) {
			r.Masks = append(r.Masks, m)
		}
		slices.Sort(r.Masks)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("report", string(text))
	}
	report(false)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		changed, err := s.Adapt()
		if err != nil {
			t.Error(err)
		}
		report(changed)
	}
}

// A confinedProcess runs TestConfinedProcess.
type confinedProcess struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Scanner
	cmd *exec.Cmd
}

func startConfined(t *testing.T, do string, cpus affinity.Set) *confinedProcess {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestConfinedProcess$", "-test.v")
	cmd.Env = append(os.Environ(), confinedEnv+"="+do)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread() // what taskset does: the child inherits the mask
	restore := func() error { return nil }
	if !cpus.IsEmpty() {
		if restore, err = affinity.PinSet(cpus); err != nil {
			t.Fatal(err)
		}
	}
	err = cmd.Start()
	if e := restore(); e != nil {
		t.Fatal(e)
	}
	runtime.UnlockOSThread()
	if err != nil {
		t.Fatal(err)
	}
	p := &confinedProcess{t, in, bufio.NewScanner(out), cmd}
	t.Cleanup(func() {
		_ = in.Close()
		for p.out.Scan() {
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the process %q: %v", do, err)
		}
	})
	return p
}

func (p *confinedProcess) report() (r confined) {
	p.t.Helper()
	for p.out.Scan() {
		if text, ok := strings.CutPrefix(p.out.Text(), "report "); ok {
			if err := json.Unmarshal([]byte(text), &r); err != nil {
				p.t.Fatal(err)
			}
			return r
		}
		if !strings.HasPrefix(p.out.Text(), "=== ") {
			p.t.Log(p.out.Text())
		}
	}
	p.t.Fatal("the process ended without a report")
	return r
}

func (p *confinedProcess) adapt() confined {
	p.t.Helper()
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		p.t.Fatal(err)
	}
	return p.report()
}

func allowedHere(t *testing.T) []int {
	t.Helper()
	set, err := affinity.Allowed()
	if err != nil {
		t.Fatal(err)
	}
	return set.List()
}

func TestTheDocumentedNumberOfWorkersRunsEverywhere(t *testing.T) {
	cpus := allowedHere(t)
	all := len(cpus)
	last := affinity.NewSet(cpus[all-1])
	list := func(n int, f func(i int) string) (l []string) {
		for i := range n {
			l = append(l, f(i))
		}
		return l
	}
	each := list(all, func(i int) string { return fmt.Sprint(cpus[i]) })
	none := func(n int) []string { return list(n, func(int) string { return "" }) }
	tests := map[string]struct {
		do      func(t *testing.T) string
		cpus    affinity.Set
		workers int
		places  []string
		pinned  bool
	}{
		"as it is": {workers: all, places: each, pinned: true},
		"taskset":  {cpus: last, workers: 1, places: []string{last.String()}, pinned: true},
		"cpuset": {
			do: func(t *testing.T) string {
				return "join=" + confine.Group(t, "cpuset", "one", "cpuset.cpus", last.String(), "cpuset.mems", "0")
			},
			workers: 1, places: []string{last.String()}, pinned: true,
		},
		"half a CPU": {
			do: func(t *testing.T) string {
				return "join=" + confine.Group(t, "cpu", "half", "cpu.cfs_quota_us", "50000")
			},
			workers: 1, places: none(1), pinned: all == 1,
		},
		"EPERM":  {do: func(*testing.T) string { return "eperm" }, workers: all, places: each, pinned: false},
		"EINVAL": {do: func(*testing.T) string { return "einval" }, workers: all, places: each, pinned: false},
		"none":   {do: func(*testing.T) string { return "policy=none" }, workers: all, places: none(all), pinned: false},
		"cores":  {do: func(*testing.T) string { return "policy=" + last.String() }, workers: 1, places: []string{last.String()}, pinned: true},
	}
	if all == 1 { // then a worker for a part of it is pinned to it
		half := tests["half a CPU"]
		half.places = each
		tests["half a CPU"] = half
	}
	if all >= 2 {
		one := tests["half a CPU"]
		one.do = func(t *testing.T) string {
			return "join=" + confine.Group(t, "cpu", "more", "cpu.cfs_quota_us", "150000")
		}
		one.workers, one.places, one.pinned = 2, none(2), false
		if all == 2 { // then the quota, rounded up, is all there is
			one.places, one.pinned = each, true
		}
		tests["one and a half CPUs"] = one
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			do := "nothing"
			if test.do != nil {
				do = test.do(t)
			}
			r := startConfined(t, do, test.cpus).report()
			if r.Workers != test.workers || r.Fib != 610 || !slices.Equal(r.CPUs, test.places) || (r.Pinned > 0) != test.pinned {
				t.Errorf("%+v, want %d workers on %q, pinned %t", r, test.workers, test.places, test.pinned)
			}
		})
	}
}

// A cpuset that shrinks and grows while the scheduler is in use.
func TestWorkersFollowACpuset(t *testing.T) {
	cpus := allowedHere(t)
	if len(cpus) < 2 {
		t.Skipf("needs two CPUs, has %v", cpus)
	}
	first, both := fmt.Sprint(cpus[0]), fmt.Sprintf("%d,%d", cpus[0], cpus[1])
	dir := confine.Group(t, "cpuset", "changes", "cpuset.cpus", both, "cpuset.mems", "0")
	p := startConfined(t, "join="+dir, affinity.Set{})
	if r := p.report(); r.Workers != 2 || r.Pinned == 0 {
		t.Fatalf("at first %+v", r)
	}
	for _, step := range []struct {
		set     string
		workers int
		changed bool
	}{{first, 1, true}, {first, 1, false}, {both, 2, true}, {fmt.Sprint(cpus[1]), 1, true}, {both, 2, true}} {
		if err := confine.Set(dir, "cpuset.cpus", step.set); err != nil {
			t.Fatal(err)
		}
		r := p.adapt()
		if r.Workers != step.workers || r.Adapted != step.changed || r.Fib != 610 || r.CPUs[0] == "" {
			t.Errorf("cpuset %s: %+v", step.set, r)
		}
		for _, c := range r.CPUs {
			if !slices.Contains(r.Masks, c) {
				t.Errorf("cpuset %s: a worker should be on %s, masks are %q", step.set, c, r.Masks)
			}
		}
		for _, m := range r.Masks { // nobody is pinned to what is gone
			set, err := affinity.ParseList(m)
			want, _ := affinity.ParseList(step.set)
			if err != nil || !want.Contains(set) {
				t.Errorf("cpuset %s: a thread may use %s", step.set, m)
			}
		}
	}
}

// A quota that changes.
func TestWorkersFollowAQuota(t *testing.T) {
	cpus := allowedHere(t)
	if len(cpus) < 2 {
		t.Skipf("needs two CPUs, has %v", cpus)
	}
	dir := confine.Group(t, "cpu", "changes", "cpu.cfs_quota_us", "50000")
	p := startConfined(t, "join="+dir, affinity.Set{})
	if r := p.report(); r.Workers != 1 || r.Pinned != 0 {
		t.Fatalf("at first %+v", r)
	}
	for _, step := range []struct {
		quota   string
		workers int
	}{{"-1", len(cpus)}, {"100000", 1}, {"150000", 2}} {
		if err := confine.Set(dir, "cpu.cfs_quota_us", step.quota); err != nil {
			t.Fatal(err)
		}
		if r := p.adapt(); r.Workers != step.workers || !r.Adapted || r.Fib != 610 {
			t.Errorf("quota %s: %+v", step.quota, r)
		}
	}
}

// A command that a task starts is not confined to the task's worker, if it is started as the documentation says.
func TestACommandOfATaskMayUseAllCPUs(t *testing.T) {
	want := affinity.NewSet(allowedHere(t)...)
	_, ctx := newScheduler(t)
	status := func(start func(cmd *exec.Cmd) error) (string, error) {
		cmd := exec.Command("cat", "/proc/self/status")
		var out strings.Builder
		cmd.Stdout = &out
		if err := start(cmd); err != nil {
			return "", err
		}
		if err := cmd.Wait(); err != nil {
			return "", err
		}
		_, after, _ := strings.Cut(out.String(), "Cpus_allowed_list:")
		line, _, _ := strings.Cut(after, "\n")
		return strings.TrimSpace(line), nil
	}
	for name, run := range map[string]func(t *Task) (string, error){
		"Unpinned": func(*Task) (string, error) {
			return status(func(cmd *exec.Cmd) error { return affinity.Unpinned(cmd.Start) })
		},
		"Blocking": func(t *Task) (string, error) {
			return Blocking(t, func() (string, error) { return status((*exec.Cmd).Start) })
		},
	} {
		got, err := onWorker(ctx, run)
		if err != nil || got != want.String() {
			t.Errorf("%s: the command may use %q, want %v; %v", name, got, want, err)
		}
	}
	if want.Len() < 2 {
		return
	}
	got, err := onWorker(ctx, func(*Task) (string, error) { return status((*exec.Cmd).Start) })
	if cpu, convErr := strconv.Atoi(got); err != nil || convErr != nil || !want.Has(cpu) {
		t.Errorf("started without either, the command may use %q: no longer the worker's one, so the documentation is wrong; %v", got, err)
	}
}
