package lock_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/lock"
)

func TestMutexExcludes(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var mu lock.Mutex
		n := 0
		for i := range 12 {
			c.start(i, func(ctx context.Context) {
				for range 500 {
					c.check(mu.Lock(ctx))
					n++
					mu.Unlock()
				}
			})
		}
		c.wait()
		if n != 12*500 {
			t.Errorf("the counter is %d, want %d", n, 12*500)
		}
	})
}

func TestMutexExcludesWhileWaitsAreCancelled(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var mu lock.Mutex
		n, locked := 0, atomic.Int64{}
		for i := range 12 {
			c.start(i, func(ctx context.Context) {
				for k := range 200 {
					under(ctx, i+k, func(ctx context.Context) {
						switch err := mu.Lock(ctx); {
						case err == nil:
							n++
							locked.Add(1)
							mu.Unlock()
						case !errors.Is(err, context.Canceled):
							t.Errorf("Lock: %v", err)
						}
					})
				}
			})
		}
		c.wait()
		if int64(n) != locked.Load() {
			t.Errorf("the counter is %d after %d locks", n, locked.Load())
		}
		if !mu.TryLock() {
			t.Error("the mutex is locked in the end")
		}
	})
}

func TestMutexCanBeHeldWhileItsTaskWaits(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var mu lock.Mutex
		var inside atomic.Int32
		var n lock.Notify
		for i := range 9 {
			c.start(i, func(ctx context.Context) {
				c.check(mu.Lock(ctx))
				defer mu.Unlock()
				if inside.Add(1) != 1 {
					t.Error("two inside")
				}
				c.task(func(context.Context) { n.One() })
				c.check(n.Wait(ctx))
				inside.Add(-1)
			})
		}
		c.wait()
	})
}

func TestMutexTryLock(t *testing.T) {
	var mu lock.Mutex
	if !mu.TryLock() {
		t.Fatal("TryLock of a free mutex fails")
	}
	if mu.TryLock() {
		t.Fatal("TryLock of a locked mutex succeeds")
	}
	mu.Unlock()
	if !mu.TryLock() {
		t.Fatal("TryLock fails after Unlock")
	}
}

func TestMutexThatIsFreeIsLockedUnderADeadContext(t *testing.T) {
	dead, cancel := context.WithCancel(background)
	cancel()
	var mu lock.Mutex
	if err := mu.Lock(dead); err != nil {
		t.Fatalf("Lock of a free mutex: %v", err)
	}
	if err := mu.Lock(dead); !errors.Is(err, context.Canceled) {
		t.Fatalf("Lock of a locked mutex: %v, want context.Canceled", err)
	}
	mu.Unlock()
	if !mu.TryLock() {
		t.Error("who gave up has the mutex")
	}
}

func TestMutexDeadlineEndsTheWait(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var mu lock.Mutex
		c.check(mu.Lock(background))
		for i := range 6 {
			c.start(i, func(ctx context.Context) {
				ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
				defer cancel()
				if err := mu.Lock(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Lock: %v, want context.DeadlineExceeded", err)
				}
			})
		}
		c.wait()
		if n := lock.Waiting(&mu); n != 0 {
			t.Errorf("%d waiters are left", n)
		}
	})
}

func TestMutexUnlockOfAnUnlockedOnePanics(t *testing.T) {
	const text = "lock: Unlock of a Mutex that is not locked"
	var mu lock.Mutex
	mustPanic(t, text, mu.Unlock)
	c := newCrew(t, 1)
	c.check(mu.Lock(background))
	c.task(func(ctx context.Context) { c.check(mu.Lock(ctx)); mu.Unlock() })
	until(t, "the task waits", func() bool { return lock.Waiting(&mu) == 1 })
	mu.Unlock()
	c.wait()
	mustPanic(t, text, mu.Unlock)
}

// One task locks and unlocks without ever giving way; another must still get the lock, though it has to run on the same
// worker.
func TestMutexDoesNotStarveATaskOfABusyWorker(t *testing.T) {
	c := newCrew(t, 1)
	var mu lock.Mutex
	var stop atomic.Bool
	c.check(mu.Lock(background))
	c.task(func(ctx context.Context) {
		c.check(mu.Lock(ctx))
		stop.Store(true)
		mu.Unlock()
	})
	until(t, "the task waits", func() bool { return lock.Waiting(&mu) == 1 })
	c.task(func(ctx context.Context) {
		for end := time.Now().Add(patience); !stop.Load(); {
			c.check(mu.Lock(ctx))
			if time.Now().After(end) {
				t.Error("the waiter starves")
				stop.Store(true)
			}
			mu.Unlock()
		}
	})
	mu.Unlock()
	c.wait()
}

func TestMutexIsUnlockedByDefersOfPanicAndGoexit(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var mu lock.Mutex
		for i := range 12 {
			c.start(i, func(ctx context.Context) {
				defer func() { _ = recover() }()
				c.check(mu.Lock(ctx))
				defer mu.Unlock()
				if i%2 == 0 {
					runtime.Goexit()
				}
				panic(i)
			})
		}
		c.wait()
		if !mu.TryLock() {
			t.Error("the mutex is locked in the end")
		}
	})
}

// Closing the pool ends the waits of its tasks, and only those.
func TestMutexWaitEndsWhenThePoolIsClosed(t *testing.T) {
	c := newCrew(t, 2)
	var mu lock.Mutex
	c.check(mu.Lock(background))
	var failed atomic.Int32
	for i := range 6 {
		c.start(i, func(ctx context.Context) {
			if err := mu.Lock(ctx); err != nil {
				failed.Add(1)
				return
			}
			mu.Unlock()
		})
	}
	until(t, "all wait", func() bool { return lock.Waiting(&mu) == 6 })
	c.check(c.pool.Close())
	if n := lock.Waiting(&mu); n != 2 {
		t.Errorf("%d wait still, want the 2 goroutines", n)
	}
	mu.Unlock()
	c.wait()
	if failed.Load() != 4 {
		t.Errorf("%d waits failed, want those of the 4 tasks", failed.Load())
	}
}
