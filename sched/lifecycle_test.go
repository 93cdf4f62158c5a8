package sched

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/future"
)

func TestCloseIsIdempotentAndRefusesWork(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		if n, err := Run(ctx, func(t *Task) (int, error) { return fib(t, 15), nil }); n != 610 || err != nil {
			t.Fatal(n, err)
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				if err := s.Shutdown(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if _, err := Run(ctx, func(*Task) (int, error) { t.Error("ran"); return 0, nil }); !errors.Is(err, ErrClosed) {
			t.Errorf("Run after Close: %v", err)
		}
		if _, err := Go(ctx, func(*Task) (int, error) { t.Error("ran"); return 0, nil }).Await(ctx); !errors.Is(err, ErrClosed) {
			t.Errorf("Go after Close: %v", err)
		}
		if err := For(ctx, 3, func(int) { t.Error("ran") }); !errors.Is(err, ErrClosed) {
			t.Errorf("For after Close: %v", err)
		}
		if _, err := Map(ctx, []int{1}, func(*Task, int) (int, error) { t.Error("ran"); return 0, nil }); !errors.Is(err, ErrClosed) {
			t.Errorf("Map after Close: %v", err)
		}
	})
}

func TestCloseFromATaskIsAnError(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for _, start := range []func(func(*Task) (int, error)) (int, error){
			func(f func(*Task) (int, error)) (int, error) { return Run(ctx, f) },
			func(f func(*Task) (int, error)) (int, error) { return Go(ctx, f).Await(ctx) },
		} {
			_, err := start(func(task *Task) (int, error) {
				if s.Close() == nil || s.Shutdown(task) == nil {
					t.Error("no error")
				}
				return 0, nil
			})
			if err != nil {
				t.Error(err)
			}
		}
		if _, err := Run(ctx, func(*Task) (int, error) { return 0, nil }); err != nil {
			t.Errorf("after a refused Close: %v", err)
		}
	})
}

func TestShutdownRunsWhatWasTaken(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		var ran atomic.Int64
		const n = 1000
		for range n {
			Go(ctx, func(task *Task) (int, error) {
				Go(task, func(*Task) (int, error) { ran.Add(1); return 0, nil }) // tasks may start tasks
				return fib(task, 5), nil
			})
		}
		if err := s.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := ran.Load(); got != n {
			t.Errorf("%d of %d inner tasks ran", got, n)
		}
	})
}

func TestShutdownGivesUpWhenItsContextIsDone(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		p := future.NewPromise[int]()
		f := Go(ctx, func(t *Task) (int, error) { return p.Future().Await(t) })
		done, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.Shutdown(done); !errors.Is(err, context.Canceled) {
			t.Errorf("Shutdown: %v", err)
		}
		p.Resolve(7)
		if n, err := f.Await(context.Background()); n != 7 || err != nil {
			t.Error(n, err)
		}
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseCancelsWhatWaitsAndWhatIsQueued(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		never := future.NewPromise[int]().Future()
		waits := make([]*future.Future[int], 100)
		var begun sync.WaitGroup
		begun.Add(len(waits))
		for i := range waits {
			waits[i] = Go(ctx, func(t *Task) (int, error) { begun.Done(); return never.Await(t) })
		}
		begun.Wait()
		var queued []*future.Future[int]
		hold := make(chan struct{})
		for range s.Workers() { // occupy the workers, so that what follows is queued
			begun.Add(1)
			queued = append(queued, Go(ctx, func(t *Task) (int, error) {
				begun.Done()
				<-hold
				<-t.Done()
				return 0, t.Err()
			}))
		}
		begun.Wait()
		for range 100 {
			queued = append(queued, Go(ctx, func(*Task) (int, error) { return 0, nil }))
		}
		closed := make(chan error)
		go func() { closed <- s.Close() }()
		for !s.pool.Closed() {
			runtime.Gosched()
		}
		close(hold)
		if err := <-closed; err != nil {
			t.Fatal(err)
		}
		for _, f := range waits {
			if _, err := f.Await(context.Background()); !errors.Is(err, context.Canceled) {
				t.Fatalf("a waiting task: %v", err)
			}
		}
		for _, f := range queued {
			if _, err, ok := f.Poll(); !ok || (err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, ErrClosed)) {
				t.Fatalf("a queued task: %v, settled: %t", err, ok)
			}
		}
	})
}

func TestASubmissionThatRacesCloseRanOrReportedAnError(t *testing.T) {
	for round := range 200 {
		s, err := New(WithoutEnvironment(), WithWorkers(1+round%3))
		if err != nil {
			t.Fatal(err)
		}
		ctx := With(context.Background(), s)
		var ran, refused atomic.Int64
		var all sync.WaitGroup
		const producers, each = 4, 30
		for range producers {
			all.Go(func() {
				for i := range each {
					var err error
					switch i % 3 {
					case 0:
						_, err = Run(ctx, func(*Task) (int, error) { ran.Add(1); return 0, nil })
					case 1:
						_, err = Go(ctx, func(*Task) (int, error) { ran.Add(1); return 0, nil }).Await(context.Background())
					case 2:
						err = Submit(ctx, func() { ran.Add(1) }) // by the time that the scheduler has ended
					}
					if err != nil {
						refused.Add(1)
					}
				}
			})
		}
		if round%2 == 0 {
			err = s.Close()
		} else {
			err = s.Shutdown(context.Background())
		}
		all.Wait()
		if err != nil || ran.Load()+refused.Load() != producers*each {
			t.Fatalf("round %d: %v; %d ran, %d refused", round, err, ran.Load(), refused.Load())
		}
	}
}

func TestNestedCallsEndOnOneWorker(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		var nest func(ctx context.Context, depth int) (int, error)
		nest = func(ctx context.Context, depth int) (int, error) {
			if depth == 0 {
				return 1, nil
			}
			a, err := Run(ctx, func(t *Task) (int, error) { return nest(t, depth-1) })
			if err != nil {
				return 0, err
			}
			b, err := Go(ctx, func(t *Task) (int, error) { return nest(t, depth-1) }).Await(ctx)
			if err != nil {
				return 0, err
			}
			c, err := Map(ctx, []int{1, 2}, func(t *Task, _ int) (int, error) { return nest(t, depth-1) })
			if err != nil {
				return 0, err
			}
			return a + b + c[0] + c[1], nil
		}
		for _, from := range []func(func(ctx context.Context) (int, error)) (int, error){
			func(f func(ctx context.Context) (int, error)) (int, error) { return f(ctx) },
			func(f func(ctx context.Context) (int, error)) (int, error) {
				return Run(ctx, func(t *Task) (int, error) { return f(t) })
			},
			func(f func(ctx context.Context) (int, error)) (int, error) {
				return Go(ctx, func(*Task) (int, error) { return f(ctx) }).Await(ctx) // with the outer context
			},
		} {
			if n, err := from(func(ctx context.Context) (int, error) { return nest(ctx, 5) }); n != 1<<10 || err != nil {
				t.Errorf("%d, %v; want %d", n, err, 1<<10)
			}
		}
	})
}

// A worker that lost a wake-up would leave the second task waiting for ever.
func TestATaskThatSpinsForALaterOneEnds(t *testing.T) {
	rounds := 100_000
	if testing.Short() || raceEnabled {
		rounds = 5_000
	}
	s, ctx := newScheduler(t, WithWorkers(2))
	for range rounds {
		short, cancel := context.WithTimeout(ctx, patience)
		var told atomic.Bool
		a := Go(ctx, func(*Task) (int, error) {
			for !told.Load() {
				runtime.Gosched()
			}
			return 1, nil
		})
		b := Go(ctx, func(*Task) (int, error) { told.Store(true); return 2, nil })
		n, err := a.Await(short)
		cancel()
		if n != 1 || err != nil {
			stats := s.Stats()
			told.Store(true)
			t.Fatalf("%d, %v: %+v", n, err, stats)
		}
		if n, err := b.Await(ctx); n != 2 || err != nil {
			t.Fatal(n, err)
		}
	}
}

func TestWorkFromOutsideIsNotStarvedByTasksThatBegetTasks(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		var stop atomic.Bool
		var beget func(t *Task) (int, error)
		beget = func(t *Task) (int, error) {
			if !stop.Load() {
				Go(t, beget)
			}
			return 0, nil
		}
		for range 2 * s.Workers() {
			Go(ctx, beget)
		}
		for range 10 {
			if _, err := Go(ctx, func(*Task) (int, error) { return 1, nil }).Await(ctx); err != nil {
				t.Fatal(err)
			}
		}
		stop.Store(true)
	})
}

func TestACollectionDoesNotWaitForParkedWorkers(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(8))
	if err := For(ctx, 1000, func(int) { time.Sleep(10 * time.Microsecond) }); err != nil { // the load, not a synchronisation
		t.Fatal(err)
	}
	for s.Stats().Awake > 0 {
		runtime.Gosched()
	}
	for range 10 {
		runtime.GC() // a worker that were parked by a raw system call would block it for ever
	}
}

// A task that runs a function in another scheduler waits for its end also when its own scheduler is closed.
func TestRunInAnotherSchedulerWaitsThoughItsOwnIsClosed(t *testing.T) {
	other, _ := newScheduler(t, WithWorkers(1))
	for range 20 {
		s, ctx := newScheduler(t, WithWorkers(1))
		begun := make(chan struct{})
		f := Go(ctx, func(t *Task) (int, error) {
			return Run(With(t, other), func(u *Task) (int, error) {
				close(begun)
				<-u.Done()
				for range 100 {
					runtime.Gosched()
				}
				return 7, nil
			})
		})
		<-begun
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if n, err := f.Await(context.Background()); n != 7 || err != nil {
			t.Fatal(n, err)
		}
	}
}
