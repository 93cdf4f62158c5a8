package sched

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

func TestResizeChangesWorkersAndGOMAXPROCS(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	var text bytes.Buffer
	s, err := New(WithoutEnvironment(), WithWorkers(2), WithMaxWorkers(8), WithLogger(slog.New(slog.NewTextHandler(&text, nil))))
	if err != nil {
		t.Fatal(err)
	}
	ctx := With(context.Background(), s)
	for _, n := range []int{2, 8, 1, 5} {
		if err := s.Resize(n); err != nil {
			t.Fatal(err)
		}
		if x, err := Run(ctx, func(t *Task) (int, error) { return fib(t, 18), nil }); x != 2584 || err != nil {
			t.Error(x, err)
		}
		if _, err := Go(ctx, func(*Task) (int, error) { return 0, nil }).Await(context.Background()); err != nil {
			t.Error(err)
		}
		if s.Workers() != n || s.Stats().Workers != n || s.MaxWorkers() != 8 {
			t.Errorf("after Resize(%d): %d workers of %d", n, s.Workers(), s.MaxWorkers())
		}
		if got := runtime.GOMAXPROCS(0); got != max(before, n+1) {
			t.Errorf("GOMAXPROCS is %d with %d workers", got, n)
		}
	}
	for _, n := range []int{0, 9, -3} {
		if err := s.Resize(n); err == nil {
			t.Errorf("Resize(%d) is accepted", n)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("GOMAXPROCS is %d after Close, was %d", got, before)
	}
	for _, want := range []string{"scheduler made", "workers placed", "workers=8", "scheduler ended"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, &text)
		}
	}
}

// The number of workers may change until the scheduler has ended; threads that have ended are not pinned any more.
func TestResizeWhileTheSchedulerEnds(t *testing.T) {
	for range 30 {
		s, ctx := newScheduler(t, WithWorkers(4), WithMaxWorkers(4))
		meet(t, ctx, 2)
		var resizer sync.WaitGroup
		resizer.Go(func() {
			for n := 1; ; n = n%4 + 1 {
				switch err := s.Resize(n); {
				case errors.Is(err, ErrClosed):
					return
				case err != nil:
					t.Error(err)
				}
			}
		})
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		resizer.Wait()
	}
}

// The default has room for the whole machine, what was set only for itself.
func TestRoomToGrow(t *testing.T) {
	top, err := affinity.Read()
	if err != nil {
		t.Fatal(err)
	}
	byDefault, _ := newScheduler(t)
	if n := byDefault.MaxWorkers(); n != top.Online.Len() {
		t.Errorf("room for %d workers on %d CPUs", n, top.Online.Len())
	}
	set, _ := newScheduler(t, WithWorkers(3))
	if n := set.MaxWorkers(); n != 3 {
		t.Errorf("room for %d workers of 3", n)
	}
	for _, n := range []int{0, -1, 5000} {
		if _, err := New(WithoutEnvironment(), WithMaxWorkers(n)); err == nil {
			t.Errorf("WithMaxWorkers(%d) is accepted", n)
		}
	}
	if _, err := New(WithoutEnvironment(), WithLogger(nil)); err == nil {
		t.Error("a nil logger is accepted")
	}
}

// Machines that change under the scheduler, described.
func TestAdaptFollowsWhatIsAllowed(t *testing.T) {
	s, ctx := newScheduler(t, WithMaxWorkers(16))
	s.share.fixed = false
	here, err := affinity.Read()
	if err != nil {
		t.Fatal(err)
	}
	now := *here
	s.share.check = func() (affinity.Limits, error) {
		l := now.Limits
		l.CPUs = now.Allowed
		return l, nil
	}
	s.share.read = func() (*affinity.Topology, error) { top := now; return &top, nil }
	if changed, err := s.Adapt(); changed || err != nil {
		t.Errorf("nothing has changed: %t, %v", changed, err)
	}
	for quota, want := range map[float64]int{0.25: 1, 1: 1, 0: here.Workers(affinity.Auto)} {
		now.Limits.Quota = quota
		if _, err := s.Adapt(); err != nil {
			t.Errorf("quota %g: %v", quota, err)
		}
		if s.Workers() != want {
			t.Errorf("quota %g: %d workers, want %d", quota, s.Workers(), want)
		}
		if x, err := Run(ctx, func(t *Task) (int, error) { return fib(t, 15), nil }); x != 610 || err != nil {
			t.Error(x, err)
		}
	}
	// A number that was set stays.
	if err := s.Resize(5); err != nil {
		t.Fatal(err)
	}
	now.Limits.Quota = 0.5
	if changed, err := s.Adapt(); !changed || err != nil || s.Workers() != 5 {
		t.Errorf("%d workers, %t, %v", s.Workers(), changed, err)
	}
}
