package lock_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/pinwheel-sched/pinwheel/lock"
)

func TestWaitGroupWaitsForAllAndCanBeReused(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var g lock.WaitGroup
		for range 50 {
			const n = 6
			var done atomic.Int32
			g.Add(n)
			for i := range n {
				c.start(i, func(context.Context) { done.Add(1); g.Done() })
				c.start(i+1, func(ctx context.Context) {
					c.check(g.Wait(ctx))
					if done.Load() != n {
						t.Errorf("Wait returns after %d", done.Load())
					}
				})
			}
			c.wait()
			if !g.TryWait() {
				t.Error("TryWait fails at zero")
			}
		}
	})
}

func TestWaitGroupCancelledWait(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var g lock.WaitGroup
		g.Add(1)
		for i := range 6 {
			c.start(i, func(ctx context.Context) {
				under(ctx, i, func(ctx context.Context) {
					if err := g.Wait(ctx); !errors.Is(err, context.Canceled) {
						t.Errorf("Wait: %v", err)
					}
				})
			})
		}
		c.wait()
		if n := lock.Waiting(&g); n != 0 || g.TryWait() {
			t.Errorf("%d waiters are left", n)
		}
	})
}

func TestWaitGroupNegativeCounterPanics(t *testing.T) {
	var g lock.WaitGroup
	mustPanic(t, "lock: negative WaitGroup counter", g.Done)
	g.Add(2)
	mustPanic(t, "lock: negative WaitGroup counter", func() { g.Add(-3) })
	g.Add(-2)
	if err := g.Wait(background); err != nil {
		t.Error(err)
	}
}

func TestLatchOpensOnce(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		const n = 5
		l := lock.NewLatch(n)
		var counted atomic.Int32
		for i := range n {
			c.start(i+2, func(ctx context.Context) {
				c.check(l.Wait(ctx))
				if counted.Load() != n {
					t.Error("it opens too early")
				}
			})
			c.start(i, func(context.Context) { counted.Add(1); l.CountDown() })
		}
		c.wait()
		mustPanic(t, "lock: CountDown of a Latch that is open", l.CountDown)
	})
	var open lock.Latch
	if !open.TryWait() || lock.NewLatch(1).TryWait() {
		t.Error("want the zero value open, a new one not")
	}
	mustPanic(t, "lock: Latch with a negative count", func() { lock.NewLatch(-1) })
}

// Parties that run ahead into the next round must not be let through by the last.
func TestBarrierRoundsDoNotMix(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		const parties, rounds = 3, 1000
		b := lock.NewBarrier(parties)
		var at [parties]atomic.Int64
		var lasts atomic.Int64
		for i := range parties {
			c.start(i, func(ctx context.Context) {
				for round := range int64(rounds) {
					at[i].Store(round)
					last, err := b.Wait(ctx)
					c.check(err)
					if last {
						lasts.Add(1)
					}
					for k := range at {
						if r := at[k].Load(); r < round || r > round+1 {
							t.Errorf("party %d is in round %d, party %d in %d", i, round, k, r)
							return
						}
					}
				}
			})
		}
		c.wait()
		if n := b.Generation(); n != rounds || lasts.Load() != rounds {
			t.Errorf("%d rounds, %d of them with a last, want %d", n, lasts.Load(), rounds)
		}
	})
}

func TestBarrierCancelledPartyHasNotCome(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		b := lock.NewBarrier(3)
		ctx, cancel := context.WithCancel(background)
		c.task(func(context.Context) {
			if _, err := b.Wait(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("Wait: %v", err)
			}
		})
		until(t, "one waits", func() bool { return lock.Waiting(b) == 1 })
		cancel()
		c.wait()
		for i := range 2 {
			c.start(i, func(ctx context.Context) {
				_, err := b.Wait(ctx)
				c.check(err)
			})
			until(t, "they wait", func() bool { return lock.Waiting(b) == i+1 })
		}
		if b.Generation() != 0 {
			t.Error("the cancelled party counts")
		}
		if !b.TryWait() || b.TryWait() {
			t.Error("want TryWait to complete the round once")
		}
		c.wait()
	})
	mustPanic(t, "lock: Barrier for less than one party", func() { lock.NewBarrier(0) })
}
