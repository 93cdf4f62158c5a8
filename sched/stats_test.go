package sched

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/future"
)

func TestStatsCountWaitsAndEndings(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(2))
	const n = 16000
	g := NewGroup(ctx)
	for range n {
		g.Go(func(t *Task) error { return nil })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	dead, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Go(dead, func(t *Task) (int, error) { return 0, nil }).Await(context.Background()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := Go(ctx, func(t *Task) (int, error) { panic("on purpose") }).Await(context.Background()); err == nil {
		t.Error("no error")
	}
	end := future.NewPromise[int]()
	waits := Go(ctx, func(t *Task) (int, error) { return end.Future().Await(t) })
	for s.Stats().Waiting == 0 {
		runtime.Gosched()
	}
	end.Resolve(0)
	if _, err := waits.Await(context.Background()); err != nil {
		t.Error(err)
	}
	st := s.Stats()
	if st.Tasks != n+2 || st.Cancelled != 1 || st.Panicked != 1 || st.Suspended == 0 || st.Waiting != 0 || st.Queued != 0 {
		t.Errorf("%+v", st)
	}
	// One task in sixty-four is timed, by its address.
	for name, h := range map[string]Distribution{"queue wait": st.QueueWait, "run time": st.RunTime} {
		if h.Count < n/512 || h.Count > n/8 || h.Mean() > h.Max || h.Quantile(0.5) > h.Quantile(0.99) || h.Quantile(1) > h.Max {
			t.Errorf("%s: %+v", name, h)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Go(ctx, func(t *Task) (int, error) { return 0, nil }).Await(context.Background()); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if n := s.Stats().Rejected; n != 1 {
		t.Errorf("%d rejected", n)
	}
}

func TestStatsTellWhatEachWorkerDoes(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(2), withoutStandIns())
	for _, w := range s.Stats().PerWorker {
		if w.State != "absent" || w.Parked != 0 {
			t.Errorf("before any work: %+v", w)
		}
	}
	hold, held := make(chan struct{}), make(chan struct{})
	f := Go(ctx, func(t *Task) (int, error) { close(held); <-hold; return 0, nil })
	<-held
	busy := 0
	for _, w := range s.Stats().PerWorker {
		if w.State == "busy" {
			busy++
		}
	}
	if busy != 1 {
		t.Errorf("%d workers are busy with one task", busy)
	}
	close(hold)
	if _, err := f.Await(context.Background()); err != nil {
		t.Fatal(err)
	}
	for s.Stats().Awake > 0 {
		runtime.Gosched()
	}
	var parked, later time.Duration
	for _, w := range s.Stats().PerWorker {
		parked += w.Parked
	}
	for later <= parked { // the time of a worker that is parked goes on
		later = 0
		for _, w := range s.Stats().PerWorker {
			later += w.Parked
		}
	}
}

// A scheduler that has ended has nobody awake, and no threads, whoever was when it was closed, spares and callers included.
func TestStatsOfASchedulerThatHasEnded(t *testing.T) {
	for name, end := range map[string]func(s *Scheduler, ctx context.Context) error{
		"Close":    func(s *Scheduler, _ context.Context) error { return s.Close() },
		"Shutdown": func(s *Scheduler, ctx context.Context) error { return s.Shutdown(ctx) },
	} {
		for _, workers := range []int{1, 2, 8} {
			s, ctx := newScheduler(t, WithWorkers(workers))
			blockACaller(t, ctx)
			if err := For(ctx, 1000, func(int) {}); err != nil {
				t.Fatal(err)
			}
			if err := end(s, ctx); err != nil {
				t.Fatal(err)
			}
			st := s.Stats()
			if st.Awake != 0 || st.Searching != 0 || st.Guests != 0 || st.Started != 0 || st.Pinned != 0 {
				t.Errorf("after %s of %d workers: %d awake, %d searching, %d guests, %d started, %d pinned",
					name, workers, st.Awake, st.Searching, st.Guests, st.Started, st.Pinned)
			}
			for _, w := range st.PerWorker {
				if w.State != "absent" {
					t.Errorf("after %s of %d workers one is %s", name, workers, w.State)
				}
			}
		}
	}
}

func TestQueuedCountsWhatNobodyHasTaken(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(1), withoutStandIns())
	hold, held := make(chan struct{}), make(chan struct{})
	f := Go(ctx, func(t *Task) (int, error) { close(held); <-hold; return 0, nil })
	<-held
	for range 50 {
		Go(ctx, func(t *Task) (int, error) { return 0, nil })
	}
	if n := s.Stats().Queued; n != 50 {
		t.Errorf("%d queued, want 50", n)
	}
	for range 2000 {
		Go(ctx, func(t *Task) (int, error) { return 0, nil })
	}
	if n := s.Stats().Queued; n != 1000 {
		t.Errorf("%d queued, want the bound", n)
	}
	close(hold)
	if _, err := f.Await(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestVarIsJSON(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(1))
	if _, err := Run(ctx, func(t *Task) (int, error) { return 1, nil }); err != nil {
		t.Fatal(err)
	}
	var v struct {
		Tasks int
		Wait  struct{ P99 int }        `json:"queue_wait"`
		Per   []struct{ State string } `json:"per_worker"`
	}
	if err := json.Unmarshal([]byte(s.Var().String()), &v); err != nil || v.Tasks != 1 || len(v.Per) != 1 {
		t.Errorf("%+v, %v", v, err)
	}
}
