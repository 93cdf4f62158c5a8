package sched

import (
	"context"
	"errors"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// everyScheduler calls f for pools, and for a sequence.
func everyScheduler(t *testing.T, f func(t *testing.T, s *Scheduler, ctx context.Context), opts ...Option) {
	everyPool(t, f, opts...)
	t.Run("sequential", func(t *testing.T) {
		s, ctx := sequential(t)
		f(t, s, ctx)
	})
}

func TestEachSubmittedFunctionIsCalledOnce(t *testing.T) {
	everyScheduler(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		const producers, each, below = 4, 500, 3
		calls := make([]atomic.Int32, producers*each*(1+below))
		var all sync.WaitGroup
		all.Add(len(calls))
		call := func(i int) { calls[i].Add(1); all.Done() }
		before := s.Stats().Tasks
		var from sync.WaitGroup
		for p := range producers {
			from.Go(func() {
				for k := range each {
					i := (p*each + k) * (1 + below)
					err := Submit(ctx, func() {
						for j := range below {
							if err := Submit(ctx, func() { call(i + 1 + j) }); err != nil {
								t.Error(err)
							}
						}
						call(i)
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		from.Wait()
		all.Wait()
		for i := range calls {
			if n := calls[i].Load(); n != 1 {
				t.Fatalf("function %d was called %d times", i, n)
			}
		}
		if n := s.Stats().Tasks - before; n != uint64(len(calls)) {
			t.Errorf("%d tasks were counted, not %d", n, len(calls))
		}
	})
}

func TestSubmitRefusesWhatItDoesNotCall(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(1))
	never := func() { t.Error("it was called") }
	over, cancel := context.WithCancelCause(ctx)
	cancel(errors.New("the cause"))
	if err := Submit(over, never); err != context.Canceled {
		t.Errorf("under a context that is done: %v", err)
	}
	if r := mustPanic(t, func() { _ = Submit(ctx, nil) }); r != "pinwheel: Submit of a nil function" {
		t.Errorf("no function: %v", r)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := Submit(ctx, never); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// What Submit has taken is called though the context is done, or the scheduler is closed, before it begins. What it waits for then fails.
func TestWhatSubmitHasTakenIsCalled(t *testing.T) {
	const n = 100
	cancelled := func(_ *Scheduler, running *Task) bool { return running.Err() != nil }
	for _, c := range []struct {
		name  string
		end   func(s *Scheduler, cancel func()) error
		ended func(s *Scheduler, running *Task) bool // end has had its effect, though it may not have returned
		sleep time.Duration
		slept int32
	}{
		{"context is done", func(_ *Scheduler, cancel func()) error { cancel(); return nil }, cancelled, time.Hour, 0},
		{"Close", func(s *Scheduler, _ func()) error { return s.Close() }, cancelled, time.Hour, 0},
		{
			"Shutdown", func(s *Scheduler, _ func()) error { return s.Shutdown(context.Background()) },
			func(s *Scheduler, _ *Task) bool { return s.pool.Closed() }, time.Microsecond, n,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, ctx := newScheduler(t, WithWorkers(1))
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			begun, goOn, returned := make(chan *Task), make(chan struct{}), make(chan error, 1)
			_ = Go(ctx, func(task *Task) (int, error) { begun <- task; <-goOn; return 0, nil })
			running := <-begun
			var called, slept atomic.Int32
			for range n {
				err := Submit(ctx, func() {
					called.Add(1)
					if Sleep(ctx, c.sleep) == nil {
						slept.Add(1)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			go func() { returned <- c.end(s, cancel) }()
			for !c.ended(s, running) {
				runtime.Gosched()
			}
			close(goOn)
			if err := <-returned; err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if called.Load() != n || slept.Load() != c.slept {
				t.Errorf("%d of %d were called, %d have slept", called.Load(), n, slept.Load())
			}
		})
	}
}

func TestASubmittedFunctionMayPanicOrExit(t *testing.T) {
	for _, workers := range []int{1, 2} {
		failures := make(chan *PanicError, 1)
		s, ctx := newScheduler(t, WithWorkers(workers), WithPanicHandler(func(p *PanicError) { failures <- p }))
		for range 20 {
			if err := Submit(ctx, func() { panic("on purpose") }); err != nil {
				t.Fatal(err)
			}
			if p := <-failures; p.Value != "on purpose" || p.Started.String() == "" || len(p.Stack) == 0 {
				t.Errorf("the handler has got %v, started at %q", p.Value, p.Started)
			}
			if err := Submit(ctx, runtime.Goexit); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if stats := s.Stats(); stats.Panicked != 20 || stats.Goexits != 20 {
			t.Errorf("%d panics, %d exits", stats.Panicked, stats.Goexits)
		}
	}
}

// Nobody needs to await a task, for it to wait.
func TestASubmittedFunctionWaitsAsTasksDo(t *testing.T) {
	everyScheduler(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		const n = 100
		var all sync.WaitGroup
		all.Add(n)
		ready := Go(ctx, func(task *Task) (int, error) { return 7, Sleep(task, time.Millisecond) })
		for i := range n {
			err := Submit(ctx, func() {
				defer all.Done()
				if err := Sleep(ctx, time.Duration(i%5)*time.Millisecond); err != nil {
					t.Error(err)
				}
				if v, err := ready.Await(ctx); v != 7 || err != nil {
					t.Error(v, err)
				}
				if v, err := Run(ctx, func(task *Task) (int, error) { return fib(task, 10), nil }); v != 55 || err != nil {
					t.Error(v, err)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		all.Wait()
	})
}

// A function outlives the task that has submitted it, whose context ends with it.
func TestASubmittedFunctionOutlivesTheTaskThatHasSubmittedIt(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		over := make(chan struct{})
		slept := make(chan error, 1)
		_, err := Run(ctx, func(task *Task) (int, error) {
			return 0, Submit(task, func() {
				_, _ = Blocking(ctx, func() (int, error) { <-over; return 0, nil })
				slept <- Sleep(ctx, time.Microsecond)
			})
		})
		close(over)
		if err := errors.Join(err, <-slept); err != nil {
			t.Error(err)
		}
	})
}

func TestASubmittedFunctionHasTheLabelsOfItsSubmitter(t *testing.T) {
	everyScheduler(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		for _, want := range []string{`{"who":"me"}`, "", `{"who":"me"}`} {
			labels := make(chan string, 1)
			submit := func(ctx context.Context) { _ = Submit(ctx, func() { labels <- labelsHere(t) }) }
			if want == "" {
				submit(ctx)
			} else {
				pprof.Do(ctx, pprof.Labels("who", "me"), submit)
			}
			if got := <-labels; got != want {
				t.Errorf("labels %q, want %q", got, want)
			}
		}
	})
}

// Neither the function nor its context is kept when it has returned.
func TestASubmittedFunctionIsForgotten(t *testing.T) {
	everyScheduler(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		for _, work := range []func(context.Context){
			func(context.Context) {},
			func(ctx context.Context) { _ = Sleep(ctx, time.Microsecond) },
		} {
			gone, ended := make(chan string, 2), make(chan struct{})
			func() {
				inContext, inFunction := new([64]int), new([64]int)
				runtime.AddCleanup(inContext, func(s string) { gone <- s }, "context")
				runtime.AddCleanup(inFunction, func(s string) { gone <- s }, "function")
				ctx := context.WithValue(ctx, inContext, inContext)
				err := Submit(ctx, func() {
					work(ctx)
					inFunction[0]++
					close(ended)
				})
				if err != nil {
					t.Fatal(err)
				}
			}()
			<-ended
			for n := 0; n < 2; {
				runtime.GC()
				select {
				case <-gone:
					n++
				default:
					runtime.Gosched()
				}
			}
		}
	})
}
