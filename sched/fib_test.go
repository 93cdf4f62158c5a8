package sched

import (
	"context"
	"sync"
	"testing"

	"github.com/pinwheel-sched/pinwheel/worker"
)

var fibs = NewFork[int, int]()

func fib(t *Task, n int) int {
	if n < 2 {
		return n
	}
	f := fibs.Fork(t, fib, n-1)
	y := fib(t, n-2)
	return f.Join(t) + y
}

func serialFib(n int) int {
	if n < 2 {
		return n
	}
	return serialFib(n-1) + serialFib(n-2)
}

func closureFib(t *Task, n int) int {
	if n < 2 {
		return n
	}
	x, y := Join(t, func(t *Task) int { return closureFib(t, n-1) }, func(t *Task) int { return closureFib(t, n-2) })
	return x + y
}

// newScheduler returns a scheduler that is closed, and must close, at the end of the test.
func newScheduler(t testing.TB, opts ...Option) (*Scheduler, context.Context) {
	t.Helper()
	s, err := New(append([]Option{WithoutEnvironment()}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, With(context.Background(), s)
}

// onWorker runs fn as a task on a worker. Under a context that can end, no caller takes over what it awaits.
func onWorker[T any](ctx context.Context, fn func(t *Task) (T, error)) (T, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return Go(ctx, fn).Await(ctx)
}

// asGuest runs fn as a task on the calling goroutine.
func asGuest[T any](ctx context.Context, fn func(t *Task) (T, error)) (T, error) {
	return runIn(ctx, fn, worker.Anyway)
}

// meet has n tasks begin before any of them ends. So as many executors have one, and the scheduler must have that many workers, or
// stand-ins.
func meet(t testing.TB, ctx context.Context, n int) {
	t.Helper()
	var all sync.WaitGroup
	all.Add(n)
	g := NewGroup(ctx)
	for range n {
		g.Go(func(*Task) error {
			all.Done()
			all.Wait()
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestFibIsRight(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		_, ctx := newScheduler(t, WithWorkers(workers))
		for n, want := range map[int]int{0: 0, 1: 1, 2: 1, 20: 6765, 25: 75025} {
			got, err := Run(ctx, func(t *Task) (int, error) { return fib(t, n), nil })
			if got != want || err != nil {
				t.Errorf("%d workers: fib(%d) = %d, %v; want %d", workers, n, got, err, want)
			}
			got, err = Run(ctx, func(t *Task) (int, error) { return closureFib(t, n), nil })
			if got != want || err != nil {
				t.Errorf("%d workers: closureFib(%d) = %d, %v; want %d", workers, n, got, err, want)
			}
		}
	}
}
