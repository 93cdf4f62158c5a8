package lock_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/pinwheel-sched/pinwheel/lock"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// leavings are the ways in which a function leaves without returning. Each runs leave, which must be called in the function of a
// task or a goroutine of its own.
var leavings = map[string]func(c *crew, i int, leave func(ctx context.Context, by func())){
	"panic": func(c *crew, i int, leave func(ctx context.Context, by func())) {
		c.start(i, func(ctx context.Context) {
			defer func() {
				if r := recover(); r != errLeft {
					c.t.Errorf("recovered %v", r)
				}
			}()
			leave(ctx, func() { panic(errLeft) })
		})
	},
	"Goexit": func(c *crew, i int, leave func(ctx context.Context, by func())) {
		c.start(i, func(ctx context.Context) { leave(ctx, runtime.Goexit) })
	},
}

var errLeft = errors.New("left")

// Who leaves by a panic or runtime.Goexit gives back what it has by its deferred calls, and those that wait get it, tasks
// and goroutines alike.
func TestLocksAreGivenBackByDeferredCallsOfWhoLeaves(t *testing.T) {
	var mu lock.Mutex
	var rw lock.RWMutex
	sem := lock.NewSemaphore(1)
	cond := lock.NewCond(&mu)
	locks := map[string]struct {
		take func(ctx context.Context) error
		give func()
	}{
		"Mutex":           {mu.Lock, mu.Unlock},
		"RWMutex, writer": {rw.Lock, rw.Unlock},
		"RWMutex, reader": {rw.RLock, rw.RUnlock},
		"Semaphore": {
			func(ctx context.Context) error { return sem.Acquire(ctx, 1) },
			func() { sem.Release(1) },
		},
		"Cond": {
			func(ctx context.Context) error { return cond.L.Lock(ctx) },
			func() { cond.Signal(); cond.L.Unlock() },
		},
	}
	crews(t, func(t *testing.T, c *crew) {
		for name, l := range locks {
			for how, leaving := range leavings {
				held := 0
				for i := range 30 {
					leaving(c, i, func(ctx context.Context, by func()) {
						c.check(l.take(ctx))
						defer l.give()
						if name != "RWMutex, reader" {
							held++ // the race detector sees who is not alone
						}
						by()
						t.Error("it goes on")
					})
				}
				c.wait()
				if name != "RWMutex, reader" && held != 30 {
					t.Errorf("%s, %s: held %d times", name, how, held)
				}
			}
			c.check(l.take(background))
			l.give()
		}
	})
}

// A task that leaves while others wait for what it does, and counts in a deferred call.
func TestMeetingPointsCountWhoLeaves(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		for how, leaving := range leavings {
			var g lock.WaitGroup
			latch := lock.NewLatch(6)
			g.Add(6)
			for i := range 3 {
				c.start(i, func(ctx context.Context) { c.check(g.Wait(ctx)) })
				c.start(i, func(ctx context.Context) { c.check(latch.Wait(ctx)) })
			}
			for i := range 6 {
				leaving(c, i, func(_ context.Context, by func()) {
					defer g.Done()
					defer latch.CountDown()
					by()
				})
			}
			c.wait()
			if !g.TryWait() || !latch.TryWait() {
				t.Errorf("%s: somebody is missing", how)
			}
		}
	})
}

// The function of a Once that leaves in a task: it counts as done, tasks and goroutines that wait go on, and the worker lives.
func TestOnceInATaskThatLeaves(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		for how, leaving := range leavings {
			for range 20 {
				var o lock.Once
				begun := lock.NewLatch(1)
				leaving(c, 0, func(ctx context.Context, by func()) {
					_ = o.Do(ctx, func() {
						begun.CountDown()
						by()
					})
					t.Errorf("%s: Do returns", how)
				})
				for i := range 6 {
					c.start(i, func(ctx context.Context) {
						c.check(begun.Wait(ctx))
						c.check(o.Do(ctx, func() { t.Errorf("%s: it runs again", how) }))
					})
				}
				c.wait()
			}
		}
	})
}

// The same for a value: every Get panics with the same value, or says that there is none because of a Goexit.
func TestOnceValueInATaskThatLeaves(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		for how, leaving := range leavings {
			var o lock.OnceValue[int]
			begun := lock.NewLatch(1)
			leaving(c, 0, func(ctx context.Context, by func()) {
				_, _ = o.Get(ctx, func() (int, error) {
					begun.CountDown()
					by()
					return 1, nil
				})
				t.Errorf("%s: Get returns", how)
			})
			for i := range 6 {
				c.start(i, func(ctx context.Context) {
					c.check(begun.Wait(ctx))
					defer func() {
						if r := recover(); (how == "panic") != (r == errLeft) {
							t.Errorf("%s: recovered %v", how, r)
						}
					}()
					if _, err := o.Get(ctx, func() (int, error) { return 2, nil }); !errors.Is(err, worker.ErrGoexit) {
						t.Errorf("%s: %v", how, err)
					}
				})
			}
			c.wait()
		}
		var null lock.OnceValue[int]
		for range 2 {
			func() {
				defer func() {
					if _, ok := recover().(*runtime.PanicNilError); !ok {
						t.Error("panic(nil) is not a PanicNilError")
					}
				}()
				_, _ = null.Get(background, func() (int, error) { panic(any(nil)) })
			}()
		}
	})
}
