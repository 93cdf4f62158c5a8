package sched

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/future"
)

type traceEvent struct {
	Phase    string  `json:"ph"`
	Process  int     `json:"pid"`
	Thread   int     `json:"tid"`
	Name     string  `json:"name"`
	Category string  `json:"cat"`
	Time     float64 `json:"ts"`
	Duration float64 `json:"dur"`
	ID       int     `json:"id"`
	Args     struct{ Name string }
}

func readTrace(t *testing.T, text []byte) []traceEvent {
	t.Helper()
	var events []traceEvent
	if err := json.Unmarshal(text, &events); err != nil {
		t.Fatalf("%v in\n%.2000s", err, text)
	}
	return events
}

// A task, a fork that is stolen, and a wait show on the tracks of the workers that had them.
func TestATraceShowsTasksStealsAndWaits(t *testing.T) {
	var text bytes.Buffer
	trace := NewTrace(&text)
	s, err := New(WithoutEnvironment(), WithWorkers(2), withoutStandIns(), WithTrace(trace))
	if err != nil {
		t.Fatal(err)
	}
	ctx := With(context.Background(), s)
	stolen := make(chan struct{})
	wait := future.NewPromise[int]()
	go func() { // ends the wait when the workers sleep
		for st := s.Stats(); st.Suspended == 0 || st.Awake > 0; st = s.Stats() {
			runtime.Gosched()
		}
		wait.Resolve(1)
	}()
	_, err = onWorker(ctx, func(t *Task) (int, error) {
		f := waits.Fork(t, func(t *Task, c chan struct{}) int { close(c); return 1 }, stolen)
		<-stolen // only a thief can end this
		one, err := wait.Future().Await(t)
		return one + f.Join(t), err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), trace.Close(), trace.Close()); err != nil {
		t.Fatal(err)
	}
	var task, fork, from, to traceEvent
	stretches := 0
	threads := map[int]string{}
	for _, e := range readTrace(t, text.Bytes()) {
		switch {
		case e.Phase == "M" && e.Name == "thread_name":
			threads[e.Thread] = e.Args.Name
		case e.Phase == "X" && e.Category == "task" && strings.HasPrefix(e.Name, "sched.TestATraceShows"):
			task = e
			stretches++
		case e.Phase == "X" && e.Category == "fork":
			fork = e
		case e.Phase == "s":
			from = e
		case e.Phase == "f":
			to = e
		}
	}
	if stretches < 2 {
		t.Errorf("a task that waited is in %d pieces", stretches)
	}
	if !strings.HasPrefix(fork.Name, "sched.TestATraceShows") || fork.Thread == task.Thread {
		t.Errorf("fork %+v of task %+v", fork, task)
	}
	if from.ID != to.ID || from.Thread != task.Thread || to.Thread != fork.Thread || from.Time > to.Time {
		t.Errorf("the steal leads from %+v to %+v", from, to)
	}
	if !strings.HasPrefix(threads[task.Thread], "worker ") || !strings.HasPrefix(threads[fork.Thread], "worker ") {
		t.Errorf("tracks %v", threads)
	}
}

var waits = NewFork[chan struct{}, int]()

// Slices of a track lie within each other or apart, or the display would be wrong.
func TestSlicesOfATrackNest(t *testing.T) {
	var text bytes.Buffer
	s, ctx := newScheduler(t, WithWorkers(3))
	stop, err := s.Trace(&text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Trace(&text); err == nil {
		t.Error("a scheduler is traced twice at once")
	}
	meet(t, ctx, 2) // more than one has work
	for range 20 {
		g := NewGroup(ctx)
		for range 10 {
			g.Go(func(t *Task) error { fib(t, 12); return Sleep(t, 50*time.Microsecond) })
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(stop(), stop()); err != nil {
		t.Fatal(err)
	}
	byTrack := map[int][]traceEvent{}
	for _, e := range readTrace(t, text.Bytes()) {
		if e.Phase == "X" {
			byTrack[e.Thread] = append(byTrack[e.Thread], e)
		}
	}
	if len(byTrack) < 2 {
		t.Errorf("%d tracks", len(byTrack))
	}
	for thread, slicesOf := range byTrack {
		slices.SortFunc(slicesOf, func(a, b traceEvent) int {
			if a.Time != b.Time {
				return int(1000 * (a.Time - b.Time))
			}
			return int(1000 * (b.Duration - a.Duration))
		})
		var stack []float64
		for _, e := range slicesOf {
			for len(stack) > 0 && stack[len(stack)-1] <= e.Time+0.0005 {
				stack = stack[:len(stack)-1]
			}
			if len(stack) > 0 && e.Time+e.Duration > stack[len(stack)-1]+0.0015 {
				t.Fatalf("track %d: a slice ends at %f, the one around it at %f", thread, e.Time+e.Duration, stack[len(stack)-1])
			}
			stack = append(stack, e.Time+e.Duration)
		}
	}
}

func TestTheEnvironmentNamesAFileThatSchedulersShare(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace.json")
	t.Setenv("PINWHEEL_TRACE", path)
	work := func() *Scheduler {
		s, err := New(WithWorkers(1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Run(With(context.Background(), s), func(t *Task) (int, error) { return fib(t, 10), nil }); err != nil {
			t.Fatal(err)
		}
		return s
	}
	first, second := work(), work()
	if err := errors.Join(first.Close(), second.Close(), work().Close()); err != nil { // the third comes when the file was complete
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	processes := map[int]bool{}
	for _, e := range readTrace(t, text) {
		if e.Phase == "X" && e.Category == "task" {
			processes[e.Process] = true
		}
	}
	if len(processes) != 3 {
		t.Errorf("tasks of %d schedulers, want 3", len(processes))
	}
	t.Setenv("PINWHEEL_TRACE", filepath.Join(path, "below a file"))
	if _, err := New(); err == nil || !strings.Contains(err.Error(), "PINWHEEL_TRACE") {
		t.Errorf("a file that cannot be: %v", err)
	}
}

func TestNamesOfFunctionsLoseTheirDirectories(t *testing.T) {
	for long, want := range map[string]string{
		"main.main": "main.main",
		"github.com/pinwheel-sched/pinwheel/sched.Run[...]":     "sched.Run[...]",
		"a.b/c.f[d.e/g.T,*h/i.U].func1":                         "c.f[g.T,*i.U].func1",
		"github.com/x/y.(*T).M":                                 "y.(*T).M",
		"github.com/x/y.(*T[github.com/x/z.K]).M.func1.gowrap2": "y.(*T[z.K]).M.func1.gowrap2",
	} {
		if got := short(long); got != want {
			t.Errorf("%s became %s, want %s", long, got, want)
		}
	}
}
