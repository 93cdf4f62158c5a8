package sched

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/future"
)

func TestAGroupThatSettlesReturnsAllErrors(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		g := NewGroup(ctx, AllSettle())
		for i := range 10 {
			g.Go(func(task *Task) error {
				if task.Err() != nil {
					t.Errorf("task %d is cancelled by another", i)
				}
				switch i {
				case 3:
					return io.EOF
				case 7:
					return io.ErrShortWrite
				}
				return nil
			})
		}
		if err := g.Wait(); !errors.Is(err, io.EOF) || !errors.Is(err, io.ErrShortWrite) {
			t.Error(err)
		}
		if err := NewGroup(ctx, AllSettle()).Wait(); err != nil {
			t.Errorf("an empty group: %v", err)
		}
		g = NewGroup(ctx, AllSettle())
		g.Go(func(*Task) error { return io.EOF })
		g.Go(func(*Task) error { panic(io.ErrShortWrite) })
		if p, ok := mustPanic(t, func() { _ = g.Wait() }).(*PanicError); !ok || !errors.Is(p, io.ErrShortWrite) {
			t.Errorf("a panic: %v", p)
		}
	})
}

func TestTheFirstSuccessCancelsTheOthers(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		r := NewResults[string](ctx, FirstSuccess())
		begun := future.NewPromise[int]() // the first, which might be cancelled before otherwise
		r.Go(func(*Task) (string, error) {
			begun.Resolve(0)
			return "", io.EOF
		})
		r.Go(func(t *Task) (string, error) {
			_, err := future.NewPromise[int]().Future().Await(t) // until it is cancelled
			return "", err
		})
		r.Go(func(t *Task) (string, error) {
			_, err := begun.Future().Await(t)
			return "winner", err
		})
		if v, err := r.First(); v != "winner" || err != nil {
			t.Errorf("%q, %v", v, err)
		}
		if cause := context.Cause(r.Group().Context()); cause != future.ErrNotNeeded {
			t.Errorf("cause %v", cause)
		}
		results, err := r.Wait()
		if err != nil || len(results) != 3 || results[0].Err != io.EOF || !errors.Is(results[1].Err, context.Canceled) || results[2].Value != "winner" {
			t.Errorf("%v, %v", results, err)
		}

		r = NewResults[string](ctx, FirstSuccess())
		if _, err := r.First(); err != future.ErrNone {
			t.Errorf("of none: %v", err)
		}
		if err := NewGroup(ctx, FirstSuccess()).Wait(); err != future.ErrNone {
			t.Errorf("of none: %v", err)
		}
		r = NewResults[string](ctx, FirstSuccess())
		r.Go(func(*Task) (string, error) { return "", io.EOF })
		r.Go(func(*Task) (string, error) { return "", io.ErrNoProgress })
		if _, err := r.First(); !errors.Is(err, io.EOF) || !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("if all fail: %v", err)
		}
	})
}

func TestAtADeadlineTheResultsThatAreThereAreKept(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		errLate := errors.New("late")
		const n = 4
		// A task that has not begun at the deadline never will. So the deadline is as late as all of them need.
		for d, begun := time.Millisecond, int32(0); begun < n; d *= 2 {
			ctx, cancel := context.WithTimeoutCause(ctx, d, errLate)
			r := NewResults[int](ctx, AllSettle())
			var began [n]atomic.Bool
			for i := range n {
				r.Go(func(task *Task) (int, error) {
					began[i].Store(true)
					if i%2 == 0 {
						return i * i, nil
					}
					err := Sleep(task, time.Hour)
					if context.Cause(task) != errLate {
						t.Errorf("cause %v", context.Cause(task))
					}
					return 0, err
				})
			}
			results, err := r.Wait()
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			begun = 0
			for i, result := range results {
				if began[i].Load() {
					begun++
				}
				if i%2 == 0 && began[i].Load() {
					if result.Value != i*i || result.Err != nil {
						t.Errorf("result %d: %v", i, result)
					}
				} else if !errors.Is(result.Err, context.DeadlineExceeded) {
					t.Errorf("result %d: %v", i, result)
				}
			}
		}
	})
}

func TestWaitContextGivesUpAndTheTasksGoOn(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		r := NewResults[int](ctx)
		p := future.NewPromise[int]()
		begun := future.NewPromise[int]()
		r.Go(func(*Task) (int, error) { return 1, nil })
		r.Go(func(*Task) (int, error) { begun.Resolve(0); return p.Future().Await(context.Background()) })
		if _, err := begun.Future().Await(ctx); err != nil {
			t.Fatal(err)
		}
		gone, cancel := context.WithCancel(ctx)
		cancel()
		for {
			results, err := r.WaitContext(gone)
			if !errors.Is(err, context.Canceled) || results[1].Err != ErrUnfinished {
				t.Fatal(results, err)
			}
			if results[0].Err == nil { // it will, without anybody waiting for it
				break
			}
		}
		r.Group().Cancel(io.EOF)
		if cause := context.Cause(r.Group().Context()); cause != io.EOF {
			t.Errorf("cause %v", cause)
		}
		r.Go(func(*Task) (int, error) { t.Error("began after the group was cancelled"); return 0, nil })
		p.Resolve(2)
		results, err := r.Wait()
		if !errors.Is(err, context.Canceled) || results[1].Value != 2 || !errors.Is(results[2].Err, context.Canceled) {
			t.Errorf("%v, %v", results, err)
		}
		if len(r.group.waiters) != 0 {
			t.Errorf("%d waiters are left", len(r.group.waiters))
		}
	})
}

func TestResultsObeyTheLimit(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	r := NewResults[int](ctx)
	r.Group().SetLimit(1)
	p := future.NewPromise[int]()
	r.Go(func(t *Task) (int, error) { return p.Future().Await(t) })
	if r.TryGo(func(*Task) (int, error) { return 0, nil }) {
		t.Error("TryGo beyond the limit")
	}
	p.Resolve(4)
	r.Go(func(*Task) (int, error) { return 5, nil }) // waits for its place
	if results, err := r.Wait(); err != nil || len(results) != 2 || results[0].Value+results[1].Value != 9 {
		t.Error(results, err)
	}
}
