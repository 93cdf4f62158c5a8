package lock

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A count waits to be zero.
type count struct {
	state atom.Uint64 // the count, times 2, and 1 if somebody waits
	queue queue
}

// add reports false, and does nothing, if the count would be negative or too large.
//
// Waiters and the step to zero that ends their wait meet inside the guard. So nobody is woken who came after it, when the count
// may have grown again.
func (c *count) add(delta int64) bool {
	for {
		s := c.state.Load()
		n := int64(s>>1) + delta
		if n < 0 || n >= 1<<62 {
			return false
		}
		if n == 0 && s&1 != 0 {
			c.queue.Lock()
			if !c.state.CompareAndSwap(s, 0) {
				c.queue.Unlock()
				continue
			}
			all := c.queue.takeAll()
			c.queue.Unlock()
			wakeAll(all)
			return true
		}
		if c.state.CompareAndSwap(s, uint64(n)<<1|s&1) {
			return true
		}
	}
}

func (c *count) isZero() bool { return c.state.Load()>>1 == 0 }

func (c *count) wait(ctx context.Context, why worker.Reason) error {
	c.queue.Lock()
	for {
		s := c.state.Load()
		if s>>1 == 0 {
			c.queue.Unlock()
			return nil
		}
		if c.state.CompareAndSwap(s, s|1) {
			break
		}
	}
	left, err := c.queue.wait(ctx, waiterFor(why, c))
	if err == nil {
		return nil
	}
	c.queue.Unlock()
	if !left {
		return nil // the count has been zero
	}
	return err
}

// A WaitGroup waits until as many have said Done as were announced with Add. The zero value is ready for use. It can be used
// again when it has come to zero.
type WaitGroup struct{ count count }

// Add changes the counter by delta. It panics if the counter would become negative. If it becomes zero, all waits end. It
// does not block.
//
// A call that takes the counter up from zero must happen before the Wait that is to notice it.
func (g *WaitGroup) Add(delta int) {
	if !g.count.add(int64(delta)) {
		panic("lock: negative WaitGroup counter")
	}
}

// Done is Add(-1).
func (g *WaitGroup) Done() { g.Add(-1) }

// Wait waits until the counter is zero. If ctx is done first, it returns its error.
func (g *WaitGroup) Wait(ctx context.Context) error {
	if g.count.isZero() {
		return nil
	}
	return g.count.wait(ctx, worker.ForWaitGroup)
}

// TryWait reports whether the counter is zero.
func (g *WaitGroup) TryWait() bool { return g.count.isZero() }

// A Latch opens when it has been counted down to zero, and stays open. The zero value is open.
type Latch struct{ count count }

// NewLatch returns a latch that opens after n calls of CountDown. It panics if n is negative.
func NewLatch(n int) *Latch {
	l := &Latch{}
	if !l.count.add(int64(n)) {
		panic("lock: Latch with a negative count")
	}
	return l
}

// CountDown counts one down. It panics if the latch is open already. It does not block.
func (l *Latch) CountDown() {
	if !l.count.add(-1) {
		panic("lock: CountDown of a Latch that is open")
	}
}

// Wait waits until the latch is open. If ctx is done first, it returns its error.
func (l *Latch) Wait(ctx context.Context) error {
	if l.count.isZero() {
		return nil
	}
	return l.count.wait(ctx, worker.ForLatch)
}

// TryWait reports whether the latch is open.
func (l *Latch) TryWait() bool { return l.count.isZero() }
