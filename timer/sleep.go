package timer

import (
	"context"
	"time"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// A sleeper is one Sleep. It is not pooled: whoever cancels a wait may still be about to do so when it is over, and would hit
// the next.
type sleeper struct {
	timer  Timer
	waiter worker.Waiter
}

func (*sleeper) fire(*Shard, *Timer, time.Duration) bool { return true }
func (z *sleeper) deliver(*Wheels)                       { z.waiter.Wake() }

// Sleep waits until d has passed: it suspends the calling task, or blocks the calling goroutine if that is no task's. If ctx is
// done before, it returns ctx's error, and [worker.ErrClosed] if the wheels are closed. It returns at once if d is not
// positive.
//
// It costs one allocation and the suspension.
func (s *Shard) Sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	z := &sleeper{}
	z.timer.event = z
	z.waiter.Init(ctx)
	z.waiter.For(worker.ForTimer, nil)
	z.timer.bind(s)
	now, when := s.deadline(d)
	s.insert(&z.timer, now, when)
	if err := z.waiter.Wait(ctx); err != nil {
		z.timer.Stop()
		return err
	}
	if s.wheels.closed.Load() && s.wheels.Now() < when {
		return worker.ErrClosed
	}
	return nil
}
