package sched

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/pinwheel-sched/pinwheel/future"
)

func TestAGroupReturnsTheFirstErrorAndCancelsTheRest(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		g := NewGroup(ctx)
		for range 10 {
			g.Go(func(t *Task) error { <-g.Context().Done(); return fmt.Errorf("late: %w", t.Err()) })
			if s.Workers() == 1 {
				break // they block natively, and one worker can hold only one
			}
			if s.Workers() == 2 {
				break
			}
		}
		if s.Workers() == 1 {
			go g.cancel(io.EOF)
		} else {
			g.Go(func(*Task) error { return io.EOF })
		}
		err := g.Wait()
		if s.Workers() > 1 && err != io.EOF || err == nil {
			t.Errorf("error %v", err)
		}
		if context.Cause(g.Context()) != io.EOF {
			t.Errorf("cause %v", context.Cause(g.Context()))
		}
	})
}

func TestAGroupWaitsForAllOfItsTasks(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for _, inside := range []bool{false, true} {
			var n atomic.Int64
			body := func(ctx context.Context) error {
				g := NewGroup(ctx)
				for range 100 {
					g.Go(func(*Task) error {
						n.Add(1)
						g.Go(func(*Task) error { n.Add(1); return nil }) // from a task of the group
						return nil
					})
				}
				return g.Wait()
			}
			var err error
			if inside {
				_, err = Run(ctx, func(t *Task) (int, error) { return 0, body(t) })
			} else {
				err = body(ctx)
			}
			if err != nil || n.Load() != 200 {
				t.Errorf("inside: %t: %v, %d of 200 tasks", inside, err, n.Load())
			}
		}
	})
}

// The program that hangs errgroup and every bounded pool: tasks that submit to their own full pool, and wait.
func TestAGroupWithALimitNests(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		var most, running atomic.Int64
		var tree func(ctx context.Context, depth int) error
		tree = func(ctx context.Context, depth int) error {
			if depth == 0 {
				return nil
			}
			g := NewGroup(ctx)
			g.SetLimit(2)
			for range 4 {
				g.Go(func(t *Task) error {
					if n := running.Add(1); n > most.Load() {
						most.Store(n)
					}
					defer running.Add(-1)
					return tree(t, depth-1)
				})
			}
			return g.Wait()
		}
		if err := tree(ctx, 4); err != nil || most.Load() < 2 {
			t.Errorf("%v, at most %d at once", err, most.Load())
		}
		g := NewGroup(ctx)
		g.SetLimit(1)
		hold := make(chan struct{})
		g.Go(func(*Task) error { <-hold; return nil })
		if g.TryGo(func(*Task) error { return nil }) {
			t.Error("TryGo beyond the limit")
		}
		close(hold)
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestAGroupPanicsWithTheFirstPanic(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		g := NewGroup(ctx)
		g.Go(func(*Task) error { panic(io.ErrShortWrite) })
		if err, ok := mustPanic(t, func() { _ = g.Wait() }).(*PanicError); !ok || !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%v", err)
		}
		g = NewGroup(ctx)
		g.Go(func(*Task) error { runtime.Goexit(); return nil })
		if err := g.Wait(); !errors.Is(err, ErrGoexit) {
			t.Error(err)
		}
		g = NewGroup(ctx)
		if err := g.Wait(); err != nil {
			t.Errorf("an empty group: %v", err)
		}
	})
}

func TestAGroupOfAClosedSchedulerReportsIt(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	g := NewGroup(ctx)
	g.Go(func(*Task) error { t.Error("ran"); return nil })
	if err := g.Wait(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestBlockingLeavesTheWorkerToOthers(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		// As many tasks block as would block every worker, and what ends that is a task.
		release := make(chan struct{})
		g := NewGroup(ctx)
		for i := range 2 * s.Workers() {
			g.Go(func(t *Task) error {
				n, err := Blocking(t, func() (int, error) { <-release; return i, nil })
				if n != i || err != nil {
					return fmt.Errorf("%d, %w", n, err)
				}
				return nil
			})
		}
		g.Go(func(*Task) error { close(release); return nil })
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		if n, err := Blocking(ctx, func() (int, error) { return 3, io.EOF }); n != 3 || err != io.EOF {
			t.Errorf("from a goroutine: %d, %v", n, err)
		}
		_, err := Run(ctx, func(task *Task) (int, error) {
			if _, err := Blocking(task, func() (int, error) { runtime.Goexit(); return 0, nil }); !errors.Is(err, ErrGoexit) {
				t.Errorf("Goexit: %v", err)
			}
			return Blocking(task, func() (int, error) { panic(io.EOF) })
		})
		if !errors.Is(err, io.EOF) {
			t.Errorf("panic: %v", err)
		}
		patience, cancel := context.WithCancel(ctx)
		never := make(chan struct{})
		defer close(never)
		_, err = Run(ctx, func(*Task) (int, error) {
			cancel()
			return Blocking(patience, func() (int, error) { <-never; return 0, nil })
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

func TestYieldLetsReadyTasksRun(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(1), withoutStandIns())
	n, err := onWorker(ctx, func(task *Task) (int, error) { // both on one thread
		var other atomic.Bool
		release := make(chan struct{})
		begun := future.NewPromise[int]()
		Go(task, func(t *Task) (int, error) {
			begun.Resolve(0)
			_, err := Blocking(t, func() (int, error) { <-release; return 0, nil })
			other.Store(true)
			return 0, err
		})
		if _, err := begun.Future().Await(task); err != nil {
			return 0, err
		}
		close(release)
		turns := 0
		for ; !other.Load(); turns++ {
			Yield(task)
		}
		return turns, nil
	})
	if err != nil || n == 0 {
		t.Error(n, err)
	}
}
