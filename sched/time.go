package sched

import (
	"context"
	"time"

	"github.com/pinwheel-sched/pinwheel/timer"
)

// Timers of a scheduler. They are kept in wheels, one for each worker, and fire while all workers compute as well as while all
// sleep. They are never early, and late by at most a tick (PINWHEEL_TICK, 100 us by default) and the time it takes to wake a
// thread. Any duration will do: what is not positive is over at once.
//
// The clock is the monotonic one. It stands still while the machine is suspended.

// A Timer is a single event in the future, as [time.Timer], with a channel C and methods Stop and Reset that keep the same
// promises: see [timer.Timer]. It is kept while it is pending, even if nobody refers to it.
type Timer = timer.Timer

// A Ticker sends the time on a channel C at intervals, as [time.Ticker], with methods Stop and Reset: see [timer.Ticker].
type Ticker = timer.Ticker

// Sleep waits until d has passed, and returns nil. It suspends the calling task, or blocks the calling goroutine if that is not
// a task's. It returns ctx's error if ctx is done before, and [ErrClosed] if the scheduler is closed before. If d is not
// positive, it returns at once.
//
// It costs an allocation of 200 bytes, and the suspension.
func Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	s, err := shardOf(ctx)
	if err != nil {
		return err
	}
	return s.Sleep(ctx, d)
}

// After returns a channel on which the time is sent after d. It is [NewTimer] for a timer that is never stopped. It is for
// goroutines: a task that receives from a channel blocks its worker, so use [Sleep] in tasks.
func After(ctx context.Context, d time.Duration) <-chan time.Time { return NewTimer(ctx, d).C }

// AfterFunc calls f after d, in a task, unless the timer is stopped before. ctx says which scheduler runs that task, and
// nothing else: the timer goes on when ctx is done, or the task that has called AfterFunc has ended.
//
// f may take long, and may wait. If it waits as tasks do, or in [Blocking], it delays no other timer. If it computes, or blocks natively,
// it delays those by 0.6 ms at most that are due at the same time and were started on the same worker, besides what it takes until
// another worker, or a stand-in, has a CPU for them.
//
// A panic of f goes to the panic handler ([WithPanicHandler]), or ends the process if there is none. When the scheduler is shut
// down, timers that are pending never fire.
//
// What happened before AfterFunc, or the last Reset, happens before f. AfterFunc costs 100 ns and an allocation. Reset and Stop
// of the timer cost some 45 to 60 ns together, and no allocation. To fire costs what it costs to start a task, but that is one task for
// all the functions that are due at the same time.
func AfterFunc(ctx context.Context, d time.Duration, f func()) *Timer {
	if f == nil {
		panic("pinwheel: AfterFunc of a nil function")
	}
	s, _ := shardOf(ctx) // If the scheduler is closed, that is a shard whose timers never fire.
	return s.AfterFunc(d, f)
}

// NewTimer returns a timer that sends the time on its channel C after d. As with [time.NewTimer], no stale time is received
// after Stop or Reset. It costs 250 bytes, most of them the channel.
func NewTimer(ctx context.Context, d time.Duration) *Timer {
	s, _ := shardOf(ctx)
	return s.NewTimer(d)
}

// NewTicker returns a ticker that sends the time on its channel C at intervals. A tick that nobody receives before the next one
// is dropped; if several were missed because the process was stopped, one comes in their place. A ticker that is not stopped
// goes on until the scheduler is closed. It panics if the interval is not positive.
func NewTicker(ctx context.Context, interval time.Duration) *Ticker {
	s, _ := shardOf(ctx)
	return s.NewTicker(interval)
}
