package lock_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/pinwheel-sched/pinwheel/lock"
)

func TestSemaphoreBoundsWhatIsTaken(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		const size = 10
		s := lock.NewSemaphore(size)
		var taken atomic.Int64
		for i := range 12 {
			n := int64(i%size + 1)
			c.start(i, func(ctx context.Context) {
				for k := range 100 {
					under(ctx, k, func(ctx context.Context) {
						if s.Acquire(ctx, n) != nil {
							return
						}
						if now := taken.Add(n); now > size {
							t.Errorf("%d permits are taken", now)
						}
						taken.Add(-n)
						s.Release(n)
					})
				}
			})
		}
		c.wait()
		if !s.TryAcquire(size) {
			t.Error("not all permits have come back")
		}
	})
}

// golang/go#37852: the first in the queue wants much and gives up; those behind it could go on.
func TestSemaphoreCancelledWaiterLetsTheNextIn(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		s := lock.NewSemaphore(2)
		s.TryAcquire(1)
		ctx, cancel := context.WithCancel(background)
		c.task(func(context.Context) {
			if err := s.Acquire(ctx, 2); !errors.Is(err, context.Canceled) {
				t.Errorf("Acquire: %v", err)
			}
		})
		until(t, "the large request waits", func() bool { return lock.Waiting(s) == 1 })
		if s.TryAcquire(1) {
			t.Error("TryAcquire overtakes")
		}
		c.task(func(ctx context.Context) { c.check(s.Acquire(ctx, 1)) })
		until(t, "the small request waits", func() bool { return lock.Waiting(s) == 2 })
		cancel()
		c.wait()
	})
}

func TestSemaphoreLargeRequestIsNotOvertaken(t *testing.T) {
	crews(t, func(t *testing.T, c *crew) {
		const size = 4
		s := lock.NewSemaphore(size)
		s.TryAcquire(size)
		var large atomic.Bool
		c.task(func(ctx context.Context) {
			c.check(s.Acquire(ctx, size))
			large.Store(true)
			s.Release(size)
		})
		until(t, "the large request waits", func() bool { return lock.Waiting(s) == 1 })
		for i := range 6 {
			c.start(i, func(ctx context.Context) {
				c.check(s.Acquire(ctx, 1))
				if !large.Load() {
					t.Error("a small request overtakes")
				}
				s.Release(1)
			})
		}
		until(t, "all wait", func() bool { return lock.Waiting(s) == 7 })
		for range size {
			s.Release(1)
		}
		c.wait()
	})
}

func TestSemaphoreResizeAndBadInput(t *testing.T) {
	c := newCrew(t, 2)
	var s lock.Semaphore
	if s.TryAcquire(1) || !s.TryAcquire(0) {
		t.Fatal("the zero value has permits")
	}
	if err := s.Acquire(background, 1); err == nil {
		t.Fatal("Acquire of more than there are succeeds")
	}
	s.Resize(1)
	s.TryAcquire(1)
	dead, cancel := context.WithCancel(background)
	cancel()
	if err := s.Acquire(dead, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Acquire of a taken permit under a dead context: %v", err)
	}
	for i := range 3 {
		c.start(i, func(ctx context.Context) { c.check(s.Acquire(ctx, 1)) })
	}
	until(t, "all wait", func() bool { return lock.Waiting(&s) == 3 })
	s.Resize(4)
	c.wait()
	mustPanic(t, "lock: Release of 5 permits of a Semaphore of which 4 are taken", func() { s.Release(5) })
	mustPanic(t, "lock: Semaphore with a negative number of permits", func() { s.TryAcquire(-1) })
	s.Release(1)
	if err := s.Acquire(dead, 1); err != nil {
		t.Errorf("Acquire of a free permit under a dead context: %v", err)
	}
}
