package sched

import (
	"context"
	"errors"
	"io"
	"runtime"
	"testing"
	"time"
)

func TestContextsWithATimeout(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		start := time.Now()
		c, cancel := WithTimeout(ctx, 2*time.Millisecond)
		defer cancel()
		child, cancelChild := context.WithCancelCause(c)
		defer cancelChild(nil)
		called := make(chan struct{})
		context.AfterFunc(child, func() { close(called) })
		await(t, called, "end of a child")
		if time.Since(start) < 2*time.Millisecond {
			t.Error("the deadline came early")
		}
		for _, c := range []context.Context{c, child} {
			if !errors.Is(c.Err(), context.DeadlineExceeded) || !errors.Is(context.Cause(c), context.DeadlineExceeded) {
				t.Errorf("errors %v and %v", c.Err(), context.Cause(c))
			}
			await(t, c.Done(), "end")
		}

		// A task that waits under one.
		_, err := Go(ctx, func(t *Task) (int, error) {
			c, cancel := WithTimeout(t, time.Millisecond)
			defer cancel()
			return 0, Sleep(c, time.Hour)
		}).Await(ctx)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the task's wait ended with %v", err)
		}

		// The earlier of two deadlines; the parent's end; cancelling.
		parent, end := context.WithCancelCause(ctx)
		c, cancel = WithTimeout(parent, time.Hour)
		defer cancel()
		inner, cancelInner := WithTimeout(c, 2*time.Hour)
		defer cancelInner()
		if a, _ := inner.Deadline(); time.Until(a) > time.Hour {
			t.Errorf("deadline %v", a)
		}
		end(io.EOF)
		await(t, inner.Done(), "end with the parent")
		if !errors.Is(c.Err(), context.Canceled) || context.Cause(c) != io.EOF || context.Cause(inner) != io.EOF {
			t.Errorf("errors %v, %v, %v", c.Err(), context.Cause(c), context.Cause(inner))
		}
		c, cancel = WithTimeout(ctx, time.Hour)
		stop := context.AfterFunc(c, func() { t.Error("called though it was stopped") })
		if !stop() || stop() {
			t.Error("stop reports the wrong thing")
		}
		cancel()
		cancel()
		if c.Err() != context.Canceled || context.Cause(c) != context.Canceled {
			t.Errorf("errors %v, %v", c.Err(), context.Cause(c))
		}
		past, cancel := WithDeadline(ctx, time.Now().Add(-1))
		defer cancel()
		if past.Err() != context.DeadlineExceeded {
			t.Errorf("past deadline: %v", past.Err())
		}
		e, err := eventsOf(s.pool)
		if err != nil {
			t.Fatal(err)
		}
		for e.wheels.Pending() != 0 { // each is stopped after its context has ended
			runtime.Gosched()
		}

		// Closing.
		late, cancel := WithTimeout(ctx, time.Hour)
		defer cancel()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		await(t, late.Done(), "end when the scheduler is closed")
		if late.Err() != context.Canceled {
			t.Errorf("closing: %v", late.Err())
		}
	})
}

func TestChildrenOfATimeoutNeedNoGoroutine(t *testing.T) {
	_, ctx := newScheduler(t)
	c, cancel := WithTimeout(ctx, time.Hour)
	defer cancel()
	before := runtime.NumGoroutine()
	for range 100 {
		_, cancel := context.WithCancel(c)
		defer cancel()
	}
	if n := runtime.NumGoroutine(); n > before+50 { // some others may have come, or gone
		t.Errorf("%d goroutines more for 100 children", n-before)
	}
}
