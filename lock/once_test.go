package lock_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/pinwheel-sched/pinwheel/lock"
	"github.com/pinwheel-sched/pinwheel/worker"
)

func TestOnceRunsOnceAndAllSeeIt(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		for range 50 {
			var o lock.Once
			n := 0
			for i := range 9 {
				c.start(i, func(ctx context.Context) {
					c.check(o.Do(ctx, func() { n++ }))
					if n != 1 || !o.Over() {
						t.Errorf("Do returns after %d runs", n)
					}
				})
			}
			c.wait()
		}
	})
}

// A function that leaves by a panic or Goexit counts as done, and those who wait go on.
func TestOncePanicAndGoexit(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		for _, leave := range []func(){func() { panic("left") }, runtime.Goexit} {
			var o lock.Once
			var begun, proceed lock.Notify
			c.goroutine(func(ctx context.Context) {
				defer func() { _ = recover() }()
				_ = o.Do(ctx, func() {
					begun.One()
					c.check(proceed.Wait(ctx))
					leave()
				})
				t.Error("Do returns")
			})
			c.check(begun.Wait(background))
			for i := range 4 {
				c.start(i, func(ctx context.Context) {
					c.check(o.Do(ctx, func() { t.Error("it runs again") }))
				})
			}
			until(t, "all wait", func() bool { return lock.Waiting(&o) == 4 })
			under(background, 0, func(ctx context.Context) {
				if err := o.Do(ctx, nil); !errors.Is(err, context.Canceled) {
					t.Errorf("Do under a cancelled context: %v", err)
				}
			})
			proceed.One()
			c.wait()
		}
	})
}

func TestOnceValueIsComputedOnce(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		var o lock.OnceValue[int]
		if _, _, ok := o.TryGet(); ok {
			t.Error("it is computed before it is asked for")
		}
		var runs atomic.Int32
		failure := errors.New("half")
		for i := range 9 {
			c.start(i, func(ctx context.Context) {
				x, err := o.Get(ctx, func() (int, error) { runs.Add(1); return 42, failure })
				if x != 42 || err != failure || runs.Load() != 1 {
					t.Errorf("Get: %d, %v, after %d runs", x, err, runs.Load())
				}
			})
		}
		c.wait()
		if x, err, ok := o.TryGet(); x != 42 || err != failure || !ok {
			t.Errorf("TryGet: %d, %v, %v", x, err, ok)
		}
	})
}

func TestOnceValuePanicReachesEverybody(t *testing.T) {
	var o lock.OnceValue[int]
	for range 3 {
		mustPanic(t, "left", func() { _, _ = o.Get(background, func() (int, error) { panic("left") }) })
	}
	var gone lock.OnceValue[int]
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = gone.Get(background, func() (int, error) { runtime.Goexit(); return 0, nil })
	}()
	<-ended
	if _, err := gone.Get(background, nil); !errors.Is(err, worker.ErrGoexit) {
		t.Errorf("Get after Goexit: %v", err)
	}
}
