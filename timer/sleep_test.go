package timer

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/worker"
)

func TestSleepTakesAsLongAsItShould(t *testing.T) {
	w := newDriven(t, 0)
	for _, d := range []time.Duration{1, 100 * time.Microsecond, time.Millisecond, 20 * time.Millisecond} {
		start := time.Now()
		if err := w.Shard(-1).Sleep(t.Context(), d); err != nil {
			t.Errorf("Sleep(%v): %v", d, err)
		}
		if took := time.Since(start); took < d {
			t.Errorf("Sleep(%v) took %v", d, took)
		}
	}
}

func TestSleepOfNothingReturnsAtOnce(t *testing.T) {
	w, _ := newFake(t, 0, 0) // which nobody polls
	ended, end := context.WithCancel(t.Context())
	for _, d := range []time.Duration{-1, 0} {
		if err := w.Shard(0).Sleep(t.Context(), d); err != nil {
			t.Errorf("Sleep(%v): %v", d, err)
		}
	}
	end()
	for _, d := range []time.Duration{-1, 0, time.Hour} {
		if err := w.Shard(0).Sleep(ended, d); !errors.Is(err, context.Canceled) {
			t.Errorf("Sleep(%v) with a context that is done: %v", d, err)
		}
	}
}

func TestTheContextEndsASleep(t *testing.T) {
	w := newDriven(t, 0)
	s := w.Shard(-1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := s.Sleep(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Sleep: %v", err)
	}
	if n := w.Pending(); n != 0 {
		t.Errorf("%d timers are pending after the sleep", n)
	}
}

func TestClosingEndsSleeps(t *testing.T) {
	w, err := New(Config{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	var sleeps sync.WaitGroup
	for i := range 10 {
		sleeps.Go(func() {
			if err := w.Shard(i%2-1).Sleep(t.Context(), time.Hour); !errors.Is(err, worker.ErrClosed) {
				t.Errorf("Sleep: %v", err)
			}
		})
	}
	for w.Pending() != 10 {
		runtime.Gosched()
	}
	w.Shard(0).AfterFunc(time.Hour, func() { t.Error("a callback ran because of Close") })
	w.Close()
	sleeps.Wait()
	if err := w.Shard(0).Sleep(t.Context(), time.Hour); !errors.Is(err, worker.ErrClosed) {
		t.Errorf("Sleep after Close: %v", err)
	}
	called := false
	var direct Timer
	direct.Init(func() { called = true })
	if direct.ResetOn(w.Shard(0), time.Hour); !called {
		t.Error("whoever waits for this timer waits for ever")
	}
	w.Close()
}

// Tasks that sleep leave their worker to others.
func TestASleepingTaskIsSuspended(t *testing.T) {
	w := newDriven(t, 1)
	pool, err := worker.New(worker.Config{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	const tasks = 1000
	var done sync.WaitGroup
	var mu sync.Mutex
	sleeping, most := 0, 0
	count := func(d int) {
		mu.Lock()
		defer mu.Unlock()
		sleeping += d
		most = max(most, sleeping)
	}
	for i := range tasks {
		done.Add(1)
		err := submit(pool, func(task *worker.Task) {
			defer done.Done()
			count(1)
			d := time.Duration(i%20+1) * time.Millisecond
			start := time.Now()
			if err := w.Shard(0).Sleep(task, d); err != nil {
				t.Errorf("Sleep: %v", err)
			}
			if took := time.Since(start); took < d {
				t.Errorf("Sleep(%v) took %v", d, took)
			}
			count(-1)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	done.Wait()
	if most < 2 {
		t.Error("the tasks slept one after the other")
	}
}

func TestClosingThePoolEndsItsSleeps(t *testing.T) {
	w := newDriven(t, 1)
	pool, err := worker.New(worker.Config{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	slept := make(chan error, 1)
	if err := submit(pool, func(task *worker.Task) { slept <- w.Shard(0).Sleep(task, time.Hour) }); err != nil {
		t.Fatal(err)
	}
	for w.Pending() == 0 {
		runtime.Gosched()
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-slept; !errors.Is(err, context.Canceled) {
		t.Errorf("Sleep: %v", err)
	}
}

// A job is a task for a pool.
type job struct {
	worker.Root
	f func(*worker.Task)
}

func submit(p *worker.Pool, f func(*worker.Task)) error {
	j := &job{f: f}
	j.Init(context.Background(), j)
	return p.Submit(&j.Root)
}

func (j *job) Run(t *worker.Task)           { j.f(t) }
func (*job) Done(*worker.PanicError, error) {}
