package lock_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/pinwheel-sched/pinwheel/lock"
)

// What the tests of the standard library's sync and of x/sync's semaphore check, for locks between tasks and goroutines. Other
// files have the rest of it: that locks exclude, that misuse panics, that functions run once.

// Signals wake those that wait in the order in which they came.
func TestCondWakesInOrder(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		const n = 30
		var mu lock.Mutex
		cond := lock.NewCond(&mu)
		woken := make(chan int, n)
		for i := range n {
			c.start(i, func(ctx context.Context) {
				c.check(mu.Lock(ctx))
				c.check(cond.Wait(ctx))
				woken <- i
				mu.Unlock()
			})
			until(t, "it waits", func() bool { return lock.Waiting(cond) == i+1 })
		}
		for i := range n {
			c.check(mu.Lock(background))
			cond.Signal()
			mu.Unlock()
			if got := <-woken; got != i {
				t.Errorf("signal %d wakes waiter %d", i, got)
			}
		}
		c.wait()
	})
}

// One waits for what two others do in turn under the same lock: sync's TestRace.
func TestCondOfThreeThatWaitForEachOther(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		for shift := range 3 {
			var mu lock.Mutex
			cond := lock.NewCond(&mu)
			x := 0
			step := func(from, to int) func(ctx context.Context) {
				return func(ctx context.Context) {
					c.check(mu.Lock(ctx))
					for x != from {
						c.check(cond.Wait(ctx))
					}
					x = to
					cond.Broadcast()
					mu.Unlock()
				}
			}
			c.start(shift, step(2, 3))
			c.start(shift+1, step(1, 2))
			c.start(shift+2, step(0, 1))
			c.wait()
			if x != 3 {
				t.Errorf("x = %d", x)
			}
		}
	})
}

// A read lock seen through RLocker and the write lock take turns: a writer gets in when all readers have left, and not before.
func TestRLockerTakesTurnsWithTheWriter(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var rw lock.RWMutex
		r := rw.RLocker()
		written := 0
		for round := range 20 {
			c.check(r.Lock(background))
			c.check(r.Lock(background))
			c.start(round, func(ctx context.Context) {
				c.check(rw.Lock(ctx))
				written++
				rw.Unlock()
			})
			until(t, "the writer waits", func() bool { return lock.Waiting(&rw) == 1 })
			r.Unlock()
			if lock.Waiting(&rw) != 1 || written != round {
				t.Error("the writer did not wait for the second reader")
			}
			r.Unlock()
			c.wait()
		}
	})
}

// Few and many readers and writers, as sync's HammerRWMutex has them.
func TestRWMutexUnderTheHammer(t *testing.T) {
	for _, n := range []struct{ writers, readers, rounds int }{{1, 1, 500}, {1, 3, 300}, {1, 10, 200}, {4, 1, 300}, {4, 10, 100}, {10, 10, 50}} {
		crews(t, func(t *testing.T, c *crew) {
			var rw lock.RWMutex
			var active atomic.Int32
			value := 0
			for i := range n.writers {
				c.start(i, func(ctx context.Context) {
					for range n.rounds {
						c.check(rw.Lock(ctx))
						if now := active.Add(10000); now != 10000 {
							t.Errorf("a writer among %d", now)
						}
						value++
						active.Add(-10000)
						rw.Unlock()
					}
				})
			}
			for i := range n.readers {
				c.start(i+1, func(ctx context.Context) {
					for range n.rounds {
						c.check(rw.RLock(ctx))
						if now := active.Add(1); now >= 10000 {
							t.Errorf("a reader among %d", now)
						}
						if value < 0 { // the race detector sees who reads beside a writer
							t.Errorf("value %d", value)
						}
						active.Add(-1)
						rw.RUnlock()
					}
				})
			}
			c.wait()
			if value != n.writers*n.rounds {
				t.Errorf("%d of %d writes", value, n.writers*n.rounds)
			}
		})
	}
}

// Two groups by which two sets wait for each other in turn, used again and again.
func TestWaitGroupsInTurn(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		const n = 16
		var first, second lock.WaitGroup
		for range 8 {
			first.Add(n)
			second.Add(n)
			var past atomic.Int32
			for i := range n {
				c.start(i, func(ctx context.Context) {
					first.Done()
					c.check(second.Wait(ctx))
					past.Add(1)
				})
			}
			c.check(first.Wait(background))
			for range n {
				if past.Load() != 0 {
					t.Error("the second group has let somebody through too soon")
				}
				second.Done()
			}
			c.wait()
		}
	})
}

// Add and Done that meet while others wait: Wait returns only at zero.
func TestWaitGroupThatGrowsWhileItIsAwaited(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		for i := range 50 {
			var g lock.WaitGroup
			var ended atomic.Int32
			g.Add(1)
			c.start(i, func(ctx context.Context) {
				c.check(g.Wait(ctx))
				if ended.Load() != 3 {
					t.Errorf("Wait returns when %d of 3 have ended", ended.Load())
				}
			})
			c.start(i+1, func(context.Context) {
				g.Add(2) // before its own Done, so never from zero
				for k := range 2 {
					c.start(i+k, func(context.Context) { ended.Add(1); g.Done() })
				}
				ended.Add(1)
				g.Done()
			})
			c.wait()
		}
	})
}

func TestSemaphoreTryAndAcquireInSequence(t *testing.T) {
	s := lock.NewSemaphore(2)
	dead, cancel := context.WithCancel(background)
	cancel()
	acquire := func() bool { return s.Acquire(dead, 1) == nil }
	try := func() bool { return s.TryAcquire(1) }
	for _, take := range []func() bool{acquire, try} {
		got := []bool{take(), take(), take()}
		s.Release(2)
		got = append(got, take())
		s.Release(1)
		if want := [4]bool{true, true, false, true}; [4]bool(got) != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if !s.TryAcquire(2) {
		t.Error("not all permits have come back")
	}
}

// Who asks for more than there will ever be is refused, and is in nobody's way.
func TestSemaphoreThatIsTooSmallForOneServesTheOthers(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		s := lock.NewSemaphore(2)
		for i := range 9 {
			c.start(i, func(ctx context.Context) {
				if i%3 == 0 {
					if err := s.Acquire(ctx, 3); err == nil {
						t.Error("3 permits of 2")
					}
					return
				}
				for range 50 {
					c.check(s.Acquire(ctx, 2))
					s.Release(2)
				}
			})
		}
		c.wait()
	})
}

// The first in the queue gives up, with permits free that were too few for it: all that fit are let in at once, by whatever way it
// was cancelled, and what it was not given is not lost. (golang/go#37852, and x/sync's TestAllocCancelDoesntStarve.)
func TestSemaphoreCancelledFirstLetsAllInThatFit(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		for i := range 12 {
			const size = 10
			s := lock.NewSemaphore(size)
			s.TryAcquire(1)
			ctx, cancel := context.WithCancel(background)
			c.start(i, func(own context.Context) {
				if err := s.Acquire(ctx, size); !errors.Is(err, context.Canceled) {
					t.Errorf("Acquire: %v", err)
				}
			})
			until(t, "the large request waits", func() bool { return lock.Waiting(s) == 1 })
			all := lock.NewLatch(size - 1)
			for k := range size - 1 {
				c.start(i+k, func(ctx context.Context) {
					c.check(s.Acquire(ctx, 1))
					all.CountDown()
					c.check(all.Wait(ctx)) // all have one at the same time
					s.Release(1)
				})
			}
			until(t, "the small requests wait", func() bool { return lock.Waiting(s) == size })
			cancel()
			c.wait()
			if !s.TryAcquire(size - 1) {
				t.Error("permits are lost")
			}
		}
	})
}

// A permit that arrives at the moment of the cancellation is either had or passed on.
func TestSemaphoreCancelAgainstRelease(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		for i := range 150 {
			s := lock.NewSemaphore(1)
			s.TryAcquire(1)
			c.start(i, func(ctx context.Context) {
				under(ctx, i, func(ctx context.Context) {
					if s.Acquire(ctx, 1) == nil {
						s.Release(1)
					}
				})
			})
			c.start(i+1, func(ctx context.Context) { c.check(s.Acquire(ctx, 1)); s.Release(1) })
			c.start(i+2, func(context.Context) { s.Release(1) })
			c.wait()
			if !s.TryAcquire(1) {
				t.Fatal("the permit is lost")
			}
		}
	})
}
