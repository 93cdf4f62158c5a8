//go:build mc

package park

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/mc"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Waiter promises what worker.Waiter does, and within an exploration keeps the promise by sleeping in the explorer.
type Waiter struct {
	state atom.Uint32
	real  worker.Waiter
}

const (
	armed uint32 = iota
	woken
	cancelled
)

// Init prepares the wait.
func (w *Waiter) Init(ctx context.Context) {
	if !mc.Active() {
		w.real.Init(ctx)
	}
}

// For says what the wait is for.
func (w *Waiter) For(why worker.Reason, on any) { w.real.For(why, on) }

// Wait waits for Wake or the end of ctx, which within an exploration is a [Context] or never ends.
func (w *Waiter) Wait(ctx context.Context) error {
	if !mc.Active() {
		return w.real.Wait(ctx)
	}
	c, _ := ctx.(*Context)
	if c != nil {
		if c.waiter = w; c.cancelled {
			w.end(cancelled)
		}
	}
	w.sleep()
	if w.state.Load() == cancelled {
		return context.Canceled
	}
	return nil
}

// WaitFirmly waits for Wake.
func (w *Waiter) WaitFirmly() {
	if !mc.Active() {
		w.real.WaitFirmly()
		return
	}
	w.sleep()
}

func (w *Waiter) sleep() {
	for w.state.Load() == armed {
		atom.FutexWait(&w.state, armed, -1)
	}
}

// Wake ends the wait. It reports false if the wait has been cancelled or woken before.
func (w *Waiter) Wake() bool {
	if !mc.Active() {
		return w.real.Wake()
	}
	return w.end(woken)
}

// Cancelled reports whether the wait has been cancelled.
func (w *Waiter) Cancelled() bool {
	if !mc.Active() {
		return w.real.Cancelled()
	}
	return w.state.Load() == cancelled
}

func (w *Waiter) end(how uint32) bool {
	if !w.state.CompareAndSwap(armed, how) {
		return false
	}
	atom.FutexWake(&w.state, 1)
	return true
}

// A Context is a context for one thread of an exploration. The zero value is not cancelled.
type Context struct {
	context.Context
	cancelled bool
	waiter    *Waiter
}

// NewContext returns a context for one wait of a thread.
func NewContext() *Context { return &Context{Context: context.Background()} }

// Cancel cancels the context.
func (c *Context) Cancel() {
	c.cancelled = true
	if c.waiter != nil {
		c.waiter.end(cancelled)
	}
}

// Err reports whether the context is cancelled.
func (c *Context) Err() error {
	if c.cancelled {
		return context.Canceled
	}
	return nil
}
