package sched

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

func TestLoopsCallEachIndexOnce(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		_, ctx := newScheduler(t, WithWorkers(workers))
		for _, n := range []int{0, 1, 2, 3, 100, 100_000} {
			seen := make([]atomic.Int32, n)
			if err := For(ctx, n, func(i int) { seen[i].Add(1) }); err != nil {
				t.Fatal(err)
			}
			if err := ForRange(ctx, n, func(_ *Task, lo, hi int) {
				for i := lo; i < hi; i++ {
					seen[i].Add(1)
				}
			}); err != nil {
				t.Fatal(err)
			}
			for i := range seen {
				if got := seen[i].Load(); got != 2 {
					t.Fatalf("%d workers, n = %d: index %d was called %d times by two loops", workers, n, i, got)
				}
			}
		}
	}
}

func TestLoopsNestInATask(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		_, ctx := newScheduler(t, WithWorkers(workers))
		var sum atomic.Int64
		_, err := Run(ctx, func(t *Task) (struct{}, error) {
			return struct{}{}, For(t, 50, func(i int) {
				_ = For(t, 0, func(int) {})
				_, _ = Run(ctx, func(t *Task) (struct{}, error) {
					return struct{}{}, For(t, 50, func(j int) { sum.Add(int64(i * j)) })
				})
			})
		})
		if want := int64(50 * 49 / 2 * 50 * 49 / 2); err != nil || sum.Load() != want {
			t.Errorf("%d workers: %d, %v; want %d", workers, sum.Load(), err, want)
		}
	}
}

func TestMapKeepsOrderAndReturnsTheFirstErrorByIndex(t *testing.T) {
	boom := func(i int) error { return errors.New(string(rune('a' + i))) }
	for _, workers := range []int{1, 2, 8} {
		_, ctx := newScheduler(t, WithWorkers(workers))
		xs := make([]int, 1000)
		for i := range xs {
			xs[i] = i
		}
		got, err := Map(ctx, xs, func(_ *Task, x int) (int, error) { return x * x, nil })
		if err != nil {
			t.Fatal(err)
		}
		for i, y := range got {
			if y != i*i {
				t.Fatalf("result %d is %d", i, y)
			}
		}
		for range 100 {
			_, err = Map(ctx, xs, func(_ *Task, x int) (int, error) {
				if x%7 == 3 {
					return 0, boom(x % 26)
				}
				return x, nil
			})
			if err == nil || err.Error() != "d" {
				t.Fatalf("error %v, want that of index 3", err)
			}
		}
	}
}

func TestReduceIsTheSameWhateverTheNumberOfWorkers(t *testing.T) {
	xs := make([]float64, 123_457)
	for i := range xs {
		xs[i] = 1 / float64(i+1)
	}
	var first float64
	for i, workers := range []int{1, 2, 8, 2, 2} {
		_, ctx := newScheduler(t, WithWorkers(workers))
		add := func(a, x float64) float64 { return a + x }
		sum, err := Reduce(ctx, xs, 0, add, add)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = sum
		}
		if sum != first || sum < 12.3 || sum > 12.31 {
			t.Errorf("%d workers: %v, with one %v", workers, sum, first)
		}
	}
}

func TestALoopPanicsWithTheLowestIndexThatPanicked(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		_, ctx := newScheduler(t, WithWorkers(workers))
		for range 50 {
			func() {
				defer func() {
					err, ok := recover().(*PanicError)
					if !ok || err.Value != 17 {
						t.Errorf("%d workers: %v, want a PanicError of 17", workers, err)
					}
				}()
				_ = For(ctx, 10_000, func(i int) {
					if i >= 17 && i%5 == 2 {
						panic(i)
					}
				})
				t.Error("For returned")
			}()
		}
	}
}

func TestACancelledLoopStops(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		_, ctx := newScheduler(t, WithWorkers(workers))
		ctx, cancel := context.WithCancel(ctx)
		var calls atomic.Int64
		err := For(ctx, 1<<30, func(i int) {
			if calls.Add(1) == 1000 {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%d workers: %v", workers, err)
		}
		if err := For(ctx, 1, func(int) { t.Error("called") }); !errors.Is(err, context.Canceled) {
			t.Errorf("%d workers: %v", workers, err)
		}
	}
}

func TestGoexitInALoopEndsIt(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		s, ctx := newScheduler(t, WithWorkers(workers))
		for range 20 {
			err := For(ctx, 1000, func(i int) {
				if i == 500 {
					runtime.Goexit()
				}
			})
			if !errors.Is(err, ErrGoexit) {
				t.Fatalf("%d workers: %v, want ErrGoexit", workers, err)
			}
		}
		if n := s.Stats().Goexits; n == 0 {
			t.Errorf("%d workers: %d Goexits counted", workers, n)
		}
	}
}

// An item that takes long keeps others from nothing: here one that waits until all the others have been called.
func TestASlowItemLeavesTheRestToOthers(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	const n = 64
	var waits bool
	var begun, ended atomic.Int64
	l := &loop{item: func(int) {
		if begun.Add(1) == n/2 && waits {
			for ended.Load() < n-1 {
				runtime.Gosched()
			}
			return
		}
		for end := time.Now().Add(4 * chunkTime); time.Now().Before(end); {
		}
		ended.Add(1)
	}}
	if err := l.run(ctx, n); err != nil {
		t.Fatal(err)
	}
	if pace := l.pace.Load(); pace != slow {
		t.Fatalf("the pace of slow items is %d", pace)
	}
	waits = true // now that it is known that they are slow
	for range 3 {
		begun.Store(0)
		ended.Store(0)
		if err := l.run(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
}
