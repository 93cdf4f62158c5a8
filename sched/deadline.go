package sched

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pinwheel-sched/pinwheel/timer"
)

// WithTimeout is [context.WithTimeout] with a timer of the scheduler that ctx names: it is cheaper to start and to stop, and
// prompt while all workers compute. The context ends with the same errors, [context.DeadlineExceeded] at the deadline. Call
// cancel in any case: until then, or until the deadline, the timer is kept. If the scheduler is closed before the deadline, the
// context is cancelled, and if it is closed already, from the beginning.
func WithTimeout(ctx context.Context, d time.Duration) (_ context.Context, cancel context.CancelFunc) {
	return WithDeadline(ctx, time.Now().Add(d))
}

// WithDeadline is [WithTimeout] with a point in time, as [context.WithDeadline].
func WithDeadline(ctx context.Context, at time.Time) (_ context.Context, cancel context.CancelFunc) {
	s, err := shardOf(ctx)
	if errors.Is(err, ErrClosed) {
		c, cancel := context.WithDeadline(ctx, at)
		cancel()
		return c, cancel
	}
	if cur, ok := ctx.Deadline(); err != nil || ctx.Err() != nil || ok && cur.Before(at) {
		return context.WithDeadline(ctx, at) // which ends at the earlier one, without a timer of its own
	}
	now := time.Now()
	d := at.Sub(now)
	c := &deadline{Context: ctx, at: at, due: now.Add(d), done: make(chan struct{})}
	if d <= 0 {
		c.end(context.DeadlineExceeded)
		return c, func() {}
	}
	c.timer.Init(c.expire)
	if ctx.Done() != nil {
		c.mu.Lock() // the parent may end before leave is set
		c.leave = context.AfterFunc(ctx, func() { c.end(ctx.Err()) })
		c.mu.Unlock()
	}
	c.timer.ResetOn(s, d) // then look whether the end has come and found no timer to stop
	if c.Err() != nil {
		c.timer.Stop()
	}
	return c, func() { c.end(context.Canceled) }
}

// A deadline is a context with a deadline. Its values are its parent's. It has a channel of its own, by which package context
// sees that it is none of its contexts, and AfterFunc, so that package context needs no goroutine for each child.
type deadline struct {
	context.Context
	at    time.Time
	due   time.Time // the same by the monotonic clock, as the timer has it
	timer timer.Timer
	leave func() bool // the parent's end
	done  chan struct{}

	mu    sync.Mutex
	err   error
	heirs map[*heir]struct{} // what is to be called at the end
}

type heir struct{ f func() }

func (c *deadline) Deadline() (time.Time, bool) { return c.at, true }

func (c *deadline) Done() <-chan struct{} { return c.done }

func (c *deadline) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// AfterFunc is for package context: see [context.AfterFunc].
func (c *deadline) AfterFunc(f func()) (stop func() bool) {
	h := &heir{f}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	if c.heirs == nil {
		c.heirs = map[*heir]struct{}{}
	}
	c.heirs[h] = struct{}{}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, pending := c.heirs[h]
		delete(c.heirs, h)
		return pending
	}
}

// expire is called by whoever polls the wheel: at the deadline, or when the scheduler is closed.
func (c *deadline) expire() {
	if time.Now().Before(c.due) {
		c.end(context.Canceled)
		return
	}
	c.end(context.DeadlineExceeded)
}

func (c *deadline) end(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	heirs, leave := c.heirs, c.leave
	c.heirs = nil
	close(c.done)
	c.mu.Unlock()
	for h := range heirs {
		go h.f()
	}
	c.timer.Stop()
	if leave != nil {
		leave()
	}
}
