package lock_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/pinwheel-sched/pinwheel/lock"
)

func TestRWMutexExcludesWriters(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var rw lock.RWMutex
		var active atomic.Int32 // readers, and 10000 for each writer
		for i := range 12 {
			c.start(i, func(ctx context.Context) {
				for k := range 300 {
					if (i+k)%5 == 0 {
						c.check(rw.Lock(ctx))
						if n := active.Add(10000); n != 10000 {
							t.Errorf("a writer among %d", n)
						}
						active.Add(-10000)
						rw.Unlock()
						continue
					}
					c.check(rw.RLock(ctx))
					if n := active.Add(1); n >= 10000 {
						t.Errorf("a reader among %d", n)
					}
					active.Add(-1)
					rw.RUnlock()
				}
			})
		}
		c.wait()
	})
}

func TestRWMutexExcludesWritersWhileWaitsAreCancelled(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var rw lock.RWMutex
		var active atomic.Int32
		for i := range 12 {
			c.start(i, func(ctx context.Context) {
				for k := range 100 {
					under(ctx, i+k, func(ctx context.Context) {
						if (i+k)%3 == 0 {
							if rw.Lock(ctx) == nil {
								if n := active.Add(10000); n != 10000 {
									t.Errorf("a writer among %d", n)
								}
								active.Add(-10000)
								rw.Unlock()
							}
						} else if rw.RLock(ctx) == nil {
							if n := active.Add(1); n >= 10000 {
								t.Errorf("a reader among %d", n)
							}
							active.Add(-1)
							rw.RUnlock()
						}
					})
				}
			})
		}
		c.wait()
		if !rw.TryLock() {
			t.Error("the lock is held in the end")
		}
	})
}

func TestRWMutexReadersShare(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var rw lock.RWMutex
		together := lock.NewBarrier(6)
		for i := range 6 {
			c.start(i, func(ctx context.Context) {
				c.check(rw.RLock(ctx))
				_, err := together.Wait(ctx)
				c.check(err)
				rw.RUnlock()
			})
		}
		c.wait()
	})
}

// Readers that always overlap must not keep a writer out.
func TestRWMutexWriterDoesNotStarve(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var rw lock.RWMutex
		var done atomic.Bool
		c.check(rw.RLock(background))
		c.task(func(ctx context.Context) {
			c.check(rw.Lock(ctx))
			done.Store(true)
			rw.Unlock()
		})
		until(t, "the writer waits", func() bool { return lock.Waiting(&rw) == 1 })
		if rw.TryRLock() {
			t.Error("a reader overtakes a waiting writer")
		}
		for i := range 4 {
			c.start(i, func(ctx context.Context) {
				c.check(rw.RLock(ctx))
				if !done.Load() {
					t.Error("a reader has overtaken the writer")
				}
				rw.RUnlock()
			})
		}
		until(t, "the readers wait", func() bool { return lock.Waiting(&rw) == 5 })
		rw.RUnlock()
		c.wait()
	})
}

func TestRWMutexCancelledWriterLetsReadersIn(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var rw lock.RWMutex
		c.check(rw.RLock(background))
		dead, cancel := context.WithCancel(background)
		c.task(func(context.Context) {
			if err := rw.Lock(dead); !errors.Is(err, context.Canceled) {
				t.Errorf("Lock: %v", err)
			}
		})
		until(t, "the writer waits", func() bool { return lock.Waiting(&rw) == 1 })
		for i := range 3 {
			c.start(i, func(ctx context.Context) { c.check(rw.RLock(ctx)); rw.RUnlock() })
		}
		until(t, "the readers wait", func() bool { return lock.Waiting(&rw) == 4 })
		cancel()
		c.wait()
		rw.RUnlock()
		if !rw.TryLock() {
			t.Error("the lock is held in the end")
		}
	})
}

func TestRWMutexTry(t *testing.T) {
	var rw lock.RWMutex
	if first, second := rw.TryRLock(), rw.TryRLock(); !first || !second || rw.TryLock() {
		t.Fatal("want two readers, and no writer beside them")
	}
	rw.RUnlock()
	rw.RUnlock()
	if !rw.TryLock() || rw.TryLock() || rw.TryRLock() {
		t.Fatal("want one writer, and nobody beside it")
	}
	rw.Unlock()
}

func TestRWMutexUnlockOfAnUnlockedOnePanics(t *testing.T) {
	var rw lock.RWMutex
	mustPanic(t, "lock: Unlock of an RWMutex that is not locked for writing", rw.Unlock)
	mustPanic(t, "lock: RUnlock of an RWMutex that is not locked for reading", rw.RUnlock)
	rw.TryLock()
	mustPanic(t, "lock: RUnlock of an RWMutex that is not locked for reading", rw.RUnlock)
	rw.Unlock()
	rw.TryRLock()
	mustPanic(t, "lock: Unlock of an RWMutex that is not locked for writing", rw.Unlock)
	rw.RUnlock()
	if !rw.TryLock() {
		t.Error("the panics have changed the lock")
	}
}
