package lock

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Locker is what a [Cond] belongs to: a [*Mutex], an [*RWMutex] or [RWMutex.RLocker].
type Locker interface {
	Lock(ctx context.Context) error
	Unlock()
	relock()
}

// A Cond is where those wait who hold L and want something that L guards to change.
//
//	err := c.L.Lock(ctx) ...
//	for !condition() {
//		if err := c.Wait(ctx); err != nil { ... } // L is locked all the same
//	}
//	c.L.Unlock()
//
// The zero value is ready for use once L is set.
type Cond struct {
	L     Locker
	queue queue
}

// NewCond returns a condition variable of l.
func NewCond(l Locker) *Cond { return &Cond{L: l} }

// Wait unlocks c.L, waits for Signal or Broadcast, and locks c.L again. A signal that comes after c.L was unlocked is not
// missed. If ctx is done, or the scheduler closed, first, it returns an error; c.L is locked in any case, and a signal that
// this wait might have had goes to another. It panics, as Unlock does, if c.L is not locked.
func (c *Cond) Wait(ctx context.Context) error {
	w := waiterFor(worker.ForCond, c)
	w.Init(ctx)
	c.queue.Lock()
	c.queue.push(w)
	c.queue.Unlock()
	c.unlock(w)
	err := w.Wait(ctx)
	if err != nil {
		c.leave(w)
	}
	c.L.relock()
	return err
}

// unlock unlocks c.L for w. If that panics, because c.L is not locked, w does not wait, and must not be taken for one that does.
func (c *Cond) unlock(w *waiter) {
	unlocked := false
	defer func() {
		if !unlocked {
			c.leave(w)
		}
	}()
	c.L.Unlock()
	unlocked = true
}

func (c *Cond) leave(w *waiter) {
	c.queue.Lock()
	c.queue.remove(w)
	c.queue.Unlock()
}

// Signal ends the wait of the one that has waited longest, if there is one. One that begins to wait later cannot take the
// signal away. The caller may hold c.L, but need not.
func (c *Cond) Signal() {
	c.queue.Lock()
	c.queue.wakeOne()
	c.queue.Unlock()
}

// Broadcast ends all waits. The caller may hold c.L, but need not.
func (c *Cond) Broadcast() {
	c.queue.Lock()
	all := c.queue.takeAll()
	c.queue.Unlock()
	wakeAll(all)
}
