package sched

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/lock"
)

func sequential(t *testing.T) (*Scheduler, context.Context) {
	s := Sequential()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, With(context.Background(), s)
}

func TestASequenceRunsOnTheCallingGoroutine(t *testing.T) {
	_, ctx := sequential(t)
	n, err := Run(ctx, func(task *Task) (int, error) {
		var pcs [64]uintptr
		frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs[:])])
		for more := true; more; {
			var f runtime.Frame
			if f, more = frames.Next(); strings.HasSuffix(f.Function, "TestASequenceRunsOnTheCallingGoroutine") {
				return fib(task, 12), nil
			}
		}
		return 0, errors.New("the test is not on the task's stack")
	})
	if n != 144 || err != nil {
		t.Fatal(n, err)
	}
	var order []int
	if err := For(ctx, 100, func(i int) { order = append(order, i) }); err != nil || len(order) != 100 || order[99] != 99 {
		t.Errorf("%v: a loop went through %v", err, order)
	}
	out, err := Map(ctx, []int{1, 2, 3}, func(_ *Task, x int) (int, error) { return x * x, nil })
	if !reflect.DeepEqual(out, []int{1, 4, 9}) || err != nil {
		t.Error(out, err)
	}
}

// Each of the tasks waits for others: by futures, locks, queues, groups, forks.
func TestASequenceTakesTheSameCourseEachTime(t *testing.T) {
	course := func() (events []string) {
		_, ctx := sequential(t)
		note := func(format string, args ...any) { events = append(events, fmt.Sprintf(format, args...)) }
		first, second := future.NewPromise[int](), future.NewPromise[int]()
		a := Go(ctx, func(task *Task) (int, error) {
			note("a waits")
			n, err := second.Future().Await(task)
			note("a goes on")
			first.Resolve(n + 1)
			return n, err
		})
		note("a is started")
		b := Go(ctx, func(task *Task) (int, error) {
			c := Go(task, func(*Task) (int, error) { note("c"); return 1, nil })
			note("b resolves")
			second.Resolve(10)
			n, err := first.Future().Await(task)
			note("b goes on with %d", n)
			_, _ = c.Await(task)
			return n, err
		})
		note("b is started")
		_, _ = a.Await(ctx)
		_, _ = b.Await(ctx)

		var mu lock.Mutex
		q := lock.NewQueue[int](1)
		g := NewGroup(ctx)
		g.SetLimit(2)
		for i := range 3 {
			g.Go(func(task *Task) error {
				if err := mu.Lock(task); err != nil {
					return err
				}
				defer mu.Unlock()
				note("group %d has the lock", i)
				if err := q.Send(task, i); err != nil {
					return err
				}
				_, err := q.Receive(task)
				return err
			})
		}
		note("Wait: %v", g.Wait())
		kind := NewFork[int, int]()
		_, _ = Run(ctx, func(task *Task) (int, error) {
			done := future.NewPromise[int]()
			f := kind.Fork(task, func(*Task, int) int { note("fork"); done.Resolve(0); return 5 }, 0)
			_, _ = done.Future().Await(task) // what it waits for is its own fork
			note("joined %d", f.Join(task))
			return 0, nil
		})
		return events
	}
	want := course()
	for _, event := range []string{"a goes on", "b goes on with 11", "c", "group 2 has the lock", "Wait: <nil>", "fork", "joined 5"} {
		if !strings.Contains(strings.Join(want, "\n"), event) {
			t.Errorf("%q is missing", event)
		}
	}
	if want[0] != "a waits" || want[1] != "a is started" {
		t.Errorf("Go did not run the task first: %q", want[:2])
	}
	for range 20 {
		if got := course(); !reflect.DeepEqual(got, want) {
			t.Fatalf("once\n%s\nthen\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
		}
	}
}

func TestASequenceRunsOneTaskAtATimeForManyGoroutines(t *testing.T) {
	_, ctx := sequential(t)
	inside, sum := 0, 0 // guarded by there being one turn
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				body := func(task *Task) (int, error) {
					if inside++; inside != 1 {
						t.Error("two at once")
					}
					sum++
					inside--
					_, err := Go(task, func(*Task) (int, error) { sum++; return 0, nil }).Await(task)
					return 0, err
				}
				if _, err := Run(ctx, body); err != nil {
					t.Error(err)
				}
				if _, err := Go(ctx, body).Await(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if sum != 8*100*4 {
		t.Errorf("%d tasks ran", sum)
	}
}

func TestFailuresInASequence(t *testing.T) {
	_, ctx := sequential(t)
	for at := range 13 {
		if _, err := Run(ctx, func(t *Task) (int, error) { return explode(t, bomb{0, at, "panic"}), nil }); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
		if _, err := Go(ctx, func(t *Task) (int, error) { return explode(t, bomb{0, at, "goexit"}), nil }).Await(ctx); err != ErrGoexit {
			t.Fatal(err)
		}
	}
	ended := make(chan bool)
	go func() {
		defer func() { ended <- recover() == nil }()
		_, _ = Run(ctx, func(*Task) (int, error) { runtime.Goexit(); return 0, nil })
		t.Error("Run returned")
	}()
	if !<-ended {
		t.Error("Goexit became a panic")
	}
	if n, err := Run(ctx, func(t *Task) (int, error) { return fib(t, 10), nil }); n != 55 || err != nil {
		t.Errorf("after the failures: %d, %v", n, err)
	}
}

func TestASequenceWaitsForTimersAndForOtherGoroutines(t *testing.T) {
	_, ctx := sequential(t)
	release := make(chan int)
	go func() { release <- 5 }()
	n, err := Run(ctx, func(task *Task) (int, error) {
		if err := Sleep(task, time.Millisecond); err != nil {
			return 0, err
		}
		return Blocking(task, func() (int, error) { return <-release, nil })
	})
	if n != 5 || err != nil {
		t.Error(n, err)
	}
	called := make(chan struct{})
	AfterFunc(ctx, time.Millisecond, func() { close(called) })
	<-called
}

func TestASequenceIsClosedAsOthersAre(t *testing.T) {
	s, ctx := sequential(t)
	waits := Go(ctx, func(task *Task) (int, error) { return future.NewPromise[int]().Future().Await(task) })
	if _, err := Run(ctx, func(task *Task) (int, error) {
		if s.Close() == nil || s.Shutdown(task) == nil {
			t.Error("closed by its own task")
		}
		return 0, nil
	}); err != nil {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown while a task waits: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := waits.Await(context.Background()); !errors.Is(err, context.Canceled) {
		t.Errorf("the task that waited: %v", err)
	}
	for name, f := range map[string]func() error{
		"Run": func() error { _, err := Run(ctx, func(*Task) (int, error) { return 0, nil }); return err },
		"Go":  func() error { _, err := Go(ctx, func(*Task) (int, error) { return 0, nil }).Await(ctx); return err },
		"For": func() error { return For(ctx, 1, func(int) {}) },
	} {
		if err := f(); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASequenceWithinATaskOfAnotherScheduler(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		seq, inner := sequential(t)
		outer := future.NewPromise[int]()
		g := NewGroup(ctx)
		for range 4 {
			g.Go(func(task *Task) error {
				// The calling goroutine is a fiber of s, and must not block its worker while it waits for its turn, or in it.
				n, err := Run(With(task, seq), func(inside *Task) (int, error) { return outer.Future().Await(inside) })
				if n != 3 {
					t.Errorf("%d, %v", n, err)
				}
				return err
			})
		}
		g.Go(func(*Task) error { outer.Resolve(3); return nil })
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		_ = inner
	})
}

func TestYieldInASequenceLetsReadyTasksRun(t *testing.T) {
	_, ctx := sequential(t)
	p := future.NewPromise[int]()
	woken := false
	Go(ctx, func(task *Task) (int, error) {
		_, err := p.Future().Await(task)
		woken = true
		return 0, err
	})
	_, err := Run(ctx, func(task *Task) (int, error) {
		p.Resolve(0)
		for !woken {
			Yield(task)
		}
		return 0, nil
	})
	if err != nil {
		t.Error(err)
	}
}
