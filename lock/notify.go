package lock

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Notify tells that something has happened. The zero value is ready for use.
//
// Unlike a [Cond] it has no lock and remembers: one notification that finds nobody is kept for the next to come.
type Notify struct {
	queue queue
	kept  bool
}

// One ends the wait of the one that has waited longest. If nobody waits, the next Wait returns at once; several such calls
// count as one. It does not block.
func (n *Notify) One() {
	n.queue.Lock()
	n.kept = !n.queue.wakeOne()
	n.queue.Unlock()
}

// All ends all waits that have begun. For a Wait that comes later it keeps nothing. It does not block.
func (n *Notify) All() {
	n.queue.Lock()
	all := n.queue.takeAll()
	n.queue.Unlock()
	wakeAll(all)
}

// Wait waits for a notification. If ctx is done first, it returns its error, and a notification that it might have had goes
// to another.
func (n *Notify) Wait(ctx context.Context) error {
	n.queue.Lock()
	if n.kept {
		n.kept = false
		n.queue.Unlock()
		return nil
	}
	_, err := n.queue.wait(ctx, waiterFor(worker.ForNotify, n))
	if err != nil {
		n.queue.Unlock()
	}
	return err
}

// TryWait takes a notification if one was kept, and reports whether it did.
func (n *Notify) TryWait() bool {
	n.queue.Lock()
	defer n.queue.Unlock()
	kept := n.kept
	n.kept = false
	return kept
}
