package lock

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Barrier lets its parties go on when all have come, round after round. The zero value is for one party, which never waits.
type Barrier struct {
	queue      queue
	more       int // parties but one
	arrived    int
	generation uint64
}

// NewBarrier returns a barrier for a number of parties. It panics if that is less than 1.
func NewBarrier(parties int) *Barrier {
	if parties < 1 {
		panic("lock: Barrier for less than one party")
	}
	return &Barrier{more: parties - 1}
}

// Wait waits until all parties have come. In each round, last is true for the one that came last. If ctx is done first, Wait
// returns its error, and it is as if the caller had not come: the others go on waiting, for it or a substitute.
//
// What any party did before Wait happens before every return of the round.
func (b *Barrier) Wait(ctx context.Context) (last bool, err error) {
	b.queue.Lock()
	if b.complete() {
		return true, nil
	}
	b.arrived++
	left, err := b.queue.wait(ctx, waiterFor(worker.ForBarrier, b))
	if err == nil {
		return false, nil
	}
	if left {
		b.arrived--
	}
	b.queue.Unlock()
	if !left {
		err = nil // the round was complete first
	}
	return false, err
}

// TryWait completes the round if all other parties have come, and reports whether it did. If not, it is as if the caller had
// not come.
func (b *Barrier) TryWait() bool {
	b.queue.Lock()
	if b.complete() {
		return true
	}
	b.queue.Unlock()
	return false
}

// complete begins the next round if one party was missing, and leaves the guard then.
func (b *Barrier) complete() bool {
	if b.arrived < b.more {
		return false
	}
	b.arrived = 0
	b.generation++
	all := b.queue.takeAll() // whoever comes from here on belongs to the next round
	b.queue.Unlock()
	wakeAll(all)
	return true
}

// Generation returns the number of rounds that are complete.
func (b *Barrier) Generation() uint64 {
	b.queue.Lock()
	defer b.queue.Unlock()
	return b.generation
}
