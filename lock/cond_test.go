package lock_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/pinwheel-sched/pinwheel/lock"
)

func TestCondSignalWakesOneAndBroadcastAll(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		const n = 9
		var rw lock.RWMutex
		for _, l := range []lock.Locker{&lock.Mutex{}, &rw, rw.RLocker()} {
			cond := lock.NewCond(l)
			awake := make(chan int, n)
			for i := range n {
				c.start(i, func(ctx context.Context) {
					c.check(l.Lock(ctx))
					c.check(cond.Wait(ctx))
					awake <- i
					l.Unlock()
				})
			}
			until(t, "all wait", func() bool { return lock.Waiting(cond) == n })
			for range n / 2 {
				if len(awake) != 0 {
					t.Error("one is awake that was not signalled")
				}
				cond.Signal()
				<-awake
			}
			cond.Broadcast()
			c.wait()
		}
	})
}

// A signal belongs to those who wait already: one that comes later must not take it, even if it is the first to run.
func TestCondSignalIsNotStolen(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		for range 30 {
			var mu lock.Mutex
			cond := lock.NewCond(&mu)
			var first atomic.Bool
			c.task(func(ctx context.Context) {
				c.check(mu.Lock(ctx))
				c.check(cond.Wait(ctx))
				first.Store(true)
				mu.Unlock()
			})
			until(t, "the first waits", func() bool { return lock.Waiting(cond) == 1 })
			c.check(mu.Lock(background))
			cond.Signal()
			late, cancel := context.WithCancel(background)
			c.goroutine(func(ctx context.Context) {
				c.check(mu.Lock(ctx))
				if err := cond.Wait(late); !errors.Is(err, context.Canceled) {
					t.Errorf("the late one: %v", err)
				}
				mu.Unlock()
			})
			mu.Unlock()
			until(t, "the first is awake", first.Load)
			cancel()
			c.wait()
		}
	})
}

// A wait that is cancelled returns with the lock held: the race detector sees if it does not.
func TestCondCancelledWaitHoldsTheLock(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var mu lock.Mutex
		cond := lock.NewCond(&mu)
		n := 0
		for i := range 8 {
			c.start(i, func(ctx context.Context) {
				for k := range 50 {
					under(ctx, i+k, func(cancelled context.Context) {
						c.check(mu.Lock(ctx))
						_ = cond.Wait(cancelled)
						n++
						cond.Signal()
						mu.Unlock()
					})
				}
			})
		}
		c.wait()
		if n != 400 || !mu.TryLock() {
			t.Errorf("%d waits have ended", n)
		}
	})
}

func TestCondWaitWithoutTheLockLeavesNobodyWaiting(t *testing.T) {
	var m lock.Mutex
	cond := lock.NewCond(&m)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		_ = cond.Wait(context.Background())
	}()
	if n := lock.Waiting(cond); n != 0 {
		t.Errorf("%d wait, and would be signalled", n)
	}
}
