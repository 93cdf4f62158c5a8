package sched

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience is for what must happen and does not depend on how fast the machine is.
const patience = time.Minute

// await waits for c, on a goroutine.
func await[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		buf := make([]byte, 1<<20)
		t.Fatalf("no %s\n%s", what, buf[:runtime.Stack(buf, true)])
	}
	return v
}

func TestSleepIsNeverTooShort(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		var all sync.WaitGroup
		for i := range 40 {
			d := time.Duration(i*i) * 17 * time.Microsecond
			sleep := func(ctx context.Context, who string) {
				start := time.Now()
				if err := Sleep(ctx, d); err != nil || time.Since(start) < d {
					t.Errorf("%s slept for %v in place of %v: %v", who, time.Since(start), d, err)
				}
			}
			f := Go(ctx, func(t *Task) (int, error) { sleep(t, "a task"); return 0, nil })
			all.Go(func() { sleep(ctx, "a goroutine") })
			all.Go(func() { _, _ = asGuest(ctx, func(t *Task) (int, error) { sleep(t, "a guest"); return 0, nil }) })
			all.Go(func() { _, _ = f.Await(ctx) })
		}
		all.Wait()
	})
}

func TestASleepingTaskLeavesItsWorkerToOthers(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(1))
	sleeping := make(chan struct{})
	ctx2, wake := context.WithCancel(ctx)
	f := Go(ctx2, func(t *Task) (int, error) {
		close(sleeping)
		return 0, Sleep(t, math.MaxInt64)
	})
	await(t, sleeping, "task begins")
	if _, err := Go(ctx, func(*Task) (int, error) { return 0, nil }).Await(ctx); err != nil {
		t.Error(err)
	}
	wake()
	if _, err := f.Await(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Sleep returned %v when its context was done", err)
	}
}

func TestSleepsThatAreOverAtOnce(t *testing.T) {
	s, ctx := newScheduler(t)
	for _, d := range []time.Duration{0, -1, math.MinInt64} {
		if err := Sleep(ctx, d); err != nil {
			t.Errorf("Sleep(%d): %v", d, err)
		}
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	for _, d := range []time.Duration{0, time.Hour} {
		if err := Sleep(done, d); !errors.Is(err, context.Canceled) {
			t.Errorf("Sleep(%d) under a context that is done: %v", d, err)
		}
	}
	if l, err := s.pool.Loop(); err != nil || l.(*events).wheels.Pending() != 0 {
		t.Errorf("timers are left")
	}
}

func TestClosingEndsSleep(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		outside := make(chan error, 1)
		begun := make(chan struct{})
		go func() {
			AfterFunc(ctx, time.Millisecond, func() { close(begun) })
			outside <- Sleep(ctx, time.Hour)
		}()
		f := Go(ctx, func(t *Task) (int, error) { return 0, Sleep(t, time.Hour) })
		await(t, begun, "callback")
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := await(t, outside, "end of a goroutine's Sleep"); !errors.Is(err, ErrClosed) {
			t.Errorf("a goroutine's Sleep: %v", err)
		}
		if _, err := f.Await(context.Background()); err == nil {
			t.Error("a task's Sleep returned nil")
		}
		if err := Sleep(ctx, time.Hour); !errors.Is(err, ErrClosed) {
			t.Errorf("Sleep after Close: %v", err)
		}
		if tm := AfterFunc(ctx, 0, func() { t.Error("ran") }); tm.Stop() {
			t.Error("a timer of a closed scheduler was pending")
		}
		NewTimer(ctx, 0).Stop()
		NewTicker(ctx, 1).Stop()
	})
}

func TestCallbacksAreTasks(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		ran := make(chan bool, 1)
		start := func(ctx context.Context) {
			AfterFunc(ctx, 100*time.Microsecond, func() {
				ran <- Sleep(context.Background(), time.Microsecond) == nil && func() bool { t, p := where(context.Background()); return t != nil && p == s.pool }()
			})
		}
		start(ctx)
		if !await(t, ran, "callback") {
			t.Error("the callback is not a task of the scheduler")
		}
		_, err := Go(ctx, func(t *Task) (int, error) { start(t); return 0, nil }).Await(ctx)
		if err != nil || !await(t, ran, "callback of a timer that a task started") {
			t.Errorf("the callback is not a task of the scheduler, or %v", err)
		}
	})
}

// Callbacks that never return, in tasks that wait, delay no other timer.
func TestASlowCallbackDelaysNobody(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(1))
	release := make(chan struct{})
	ctx2, cancel := context.WithCancel(context.Background())
	for range 10 {
		AfterFunc(ctx, 0, func() { _ = Sleep(ctx2, time.Hour); release <- struct{}{} })
	}
	fired := make(chan struct{})
	AfterFunc(ctx, time.Millisecond, func() { close(fired) })
	await(t, fired, "callback")
	cancel()
	for range 10 {
		await(t, release, "end of a callback")
	}
}

var spinners = NewFork[func() bool, int]()

// compute forks and joins until it is told to stop, which it asks at the leaves. It never yields.
func compute(t *Task, stop func() bool) int {
	for !stop() {
		f := spinners.Fork(t, computeLeaf, stop)
		computeLeaf(t, stop)
		f.Join(t)
	}
	return 0
}

func computeLeaf(t *Task, stop func() bool) int {
	if stop() {
		return 0
	}
	f := spinners.Fork(t, func(*Task, func() bool) int { return 1 }, stop)
	return f.Join(t)
}

// Every worker computes until the timers of it and others have fired, so they fire at its safe points or never.
func TestTimersFireWhileAllWorkersCompute(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		const rounds = 20
		var stopped atomic.Bool
		var left atomic.Int32
		ended := make(chan struct{})
		left.Store(3 * rounds)
		finish := func() {
			if left.Add(-1) == 0 {
				stopped.Store(true)
				close(ended)
			}
		}
		var tm *Timer
		ready := make(chan struct{})
		again := rounds
		tm = AfterFunc(ctx, time.Hour, func() {
			<-ready
			if again--; again > 0 {
				tm.Reset(100 * time.Microsecond)
			}
			finish()
		})
		close(ready)
		for range s.Workers() {
			Go(ctx, func(t *Task) (int, error) { return compute(t, stopped.Load), nil })
		}
		tm.Reset(time.Millisecond)
		for range rounds {
			AfterFunc(ctx, time.Millisecond, finish)
			Go(ctx, func(t *Task) (int, error) { return 0, nil })
		}
		go func() {
			for range rounds {
				if err := Sleep(ctx, 100*time.Microsecond); err != nil {
					t.Error(err)
				}
				finish()
			}
		}()
		await(t, ended, "end")
	})
}

// A guest has the only seat, so no worker is awake when the timer fires.
func TestTimersFireWhileAGuestComputes(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(1))
	var fired atomic.Bool
	_, err := asGuest(ctx, func(t *Task) (int, error) {
		AfterFunc(ctx, time.Millisecond, func() { fired.Store(true) })
		deadline := time.Now().Add(patience)
		for !fired.Load() {
			if time.Now().After(deadline) {
				return 0, errors.New("the callback does not come")
			}
		}
		return 0, nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestStopAndResetKeepTheirPromises(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		tm := NewTimer(ctx, time.Hour)
		if !tm.Stop() || tm.Stop() || tm.Reset(0) {
			t.Error("Stop or Reset reports the wrong thing")
		}
		await(t, tm.C, "time")
		tm.Reset(0)
		for len(tm.C) == 0 {
			runtime.Gosched()
		}
		if !tm.Reset(time.Hour) || len(tm.C) != 0 {
			t.Error("a stale time was left")
		}
		tm.Stop()
		tk := NewTicker(ctx, 200*time.Microsecond)
		for range 5 {
			await(t, tk.C, "tick")
		}
		tk.Reset(100 * time.Microsecond)
		await(t, tk.C, "tick after Reset")
		tk.Stop()
		if len(tk.C) != 0 {
			t.Error("a tick after Stop")
		}
		await(t, After(ctx, 50*time.Microsecond), "time")

		// Stop against firing: what Stop says, happens.
		var ran, stopped atomic.Int64
		const rounds = 300
		var all sync.WaitGroup
		for g := range 4 {
			all.Go(func() {
				for i := range rounds {
					tm := AfterFunc(ctx, time.Duration(i%3)*30*time.Microsecond, func() { ran.Add(1) })
					if (i+g)%2 == 0 {
						runtime.Gosched()
					}
					if tm.Stop() {
						stopped.Add(1)
					}
				}
			})
		}
		all.Wait()
		for deadline := time.Now().Add(patience); ran.Load()+stopped.Load() < 4*rounds; runtime.Gosched() {
			if time.Now().After(deadline) {
				break
			}
		}
		if n := ran.Load() + stopped.Load(); n != 4*rounds {
			t.Errorf("%d callbacks ran and %d timers were stopped, of %d", ran.Load(), stopped.Load(), 4*rounds)
		}
	})
}

func TestAPanicOfACallbackGoesToTheHandler(t *testing.T) {
	got := make(chan *PanicError, 1)
	_, ctx := newScheduler(t, WithPanicHandler(func(err *PanicError) { got <- err }))
	AfterFunc(ctx, 0, func() { panic("boom") })
	if err := await(t, got, "panic"); err.Value != "boom" {
		t.Error(err)
	}
	fired := make(chan struct{})
	AfterFunc(ctx, 0, runtime.Goexit)
	AfterFunc(ctx, time.Millisecond, func() { close(fired) })
	await(t, fired, "callback after one that left by Goexit")
	if mustPanic(t, func() { AfterFunc(ctx, 0, nil) }) == nil || mustPanic(t, func() { NewTicker(ctx, 0) }) == nil {
		t.Error("nil function or no interval is accepted")
	}
}

func TestTheTickIsWhatTheSettingSays(t *testing.T) {
	t.Setenv("PINWHEEL_TICK", "1ms")
	s, ctx := newSchedulerFromEnvironment(t)
	if err := Sleep(ctx, time.Microsecond); err != nil {
		t.Fatal(err)
	}
	e, err := eventsOf(s.pool)
	if err != nil {
		t.Fatal(err)
	}
	if tick := e.wheels.Tick(); tick != time.Millisecond {
		t.Errorf("a tick of %v", tick)
	}
	if _, err := New(WithTick(time.Microsecond)); err == nil {
		t.Error("a tick of 1us is accepted")
	}
}

func TestNothingStartsBeforeThereIsATimer(t *testing.T) {
	s, ctx := newScheduler(t)
	if _, err := Run(ctx, func(t *Task) (int, error) { return fib(t, 10), nil }); err != nil {
		t.Fatal(err)
	}
	if s.pool.HasLoop() {
		t.Error("there is an event loop")
	}
}

// Timers that are due together share a task. Each is called once, whatever the others do.
func TestCallbacksThatAreDueTogetherAreCalledOnceEach(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		t.Run(fmt.Sprintf("workers=%d", workers), func(t *testing.T) {
			var panics atomic.Int32
			_, ctx := newScheduler(t, WithWorkers(workers), WithPanicHandler(func(*PanicError) { panics.Add(1) }))
			const n = 500
			var ran [n]atomic.Int32
			var all sync.WaitGroup
			all.Add(n)
			gate, open := context.WithCancel(ctx)
			for i := range n {
				AfterFunc(ctx, 100*time.Microsecond, func() {
					ran[i].Add(1)
					defer all.Done()
					switch i % 10 {
					case 3:
						panic("boom")
					case 5:
						runtime.Goexit()
					case 7:
						_ = Sleep(gate, time.Hour)
					case 9:
						_ = Sleep(ctx, 10*time.Microsecond)
					}
				})
			}
			others := make(chan struct{})
			go func() {
				for i := range n {
					for ran[i].Load() == 0 {
						runtime.Gosched()
					}
				}
				close(others)
			}()
			await(t, others, "call of each")
			open()
			all.Wait()
			for i := range n {
				if c := ran[i].Load(); c != 1 {
					t.Errorf("callback %d was called %d times", i, c)
				}
			}
			for deadline := time.Now().Add(patience); panics.Load() < n/10 && time.Now().Before(deadline); {
				runtime.Gosched()
			}
			if p := panics.Load(); p != n/10 {
				t.Errorf("%d panics arrived, of %d", p, n/10)
			}
		})
	}
}
