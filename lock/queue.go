package lock

import (
	"context"
	"errors"
	"iter"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// ErrClosed says that a [Queue], [Watch] or [Broadcast] was closed.
var ErrClosed = errors.New("lock: closed")

// A Queue is a bounded first-in-first-out queue for any number of senders and receivers: the channel of tasks. The zero value
// holds one element.
//
// Sending has two phases for those who want them: [Queue.Reserve] waits for a slot, and [Slot.Send] fills it without waiting.
// So a sender may make the element after the wait, and loses none if the wait is cancelled.
type Queue[T any] struct {
	receivers queue // its guard is that of all fields
	senders   queue // without a guard of its own

	ring     []T // of capacity or less, grows
	head     int
	length   int
	capacity int

	reserved int // slots that belong to somebody who has not filled them
	promised int // elements that belong to a receiver that was woken
	closed   bool
}

// NewQueue returns a queue for a number of elements. It panics if that is less than 1.
func NewQueue[T any](capacity int) *Queue[T] {
	if capacity < 1 {
		panic("lock: Queue for less than one element")
	}
	return &Queue[T]{capacity: capacity}
}

// Cap returns how many elements q holds at most.
func (q *Queue[T]) Cap() int { return max(q.capacity, 1) }

// Len returns how many elements q holds.
func (q *Queue[T]) Len() int {
	q.receivers.Lock()
	defer q.receivers.Unlock()
	return q.length
}

// Send appends x: it waits until there is room. It returns ErrClosed if q is closed before, or ctx's error if that is done
// before.
func (q *Queue[T]) Send(ctx context.Context, x T) error {
	q.receivers.Lock()
	if err := q.slot(ctx); err != nil {
		return err
	}
	q.put(x)
	q.receivers.Unlock()
	return nil
}

// TrySend appends x if there is room and nobody waits for it, and reports whether it did. The error is ErrClosed if q is
// closed.
func (q *Queue[T]) TrySend(x T) (ok bool, err error) {
	q.receivers.Lock()
	defer q.receivers.Unlock()
	if !q.trySlot() {
		if q.closed {
			err = ErrClosed
		}
		return false, err
	}
	q.put(x)
	return true, nil
}

// A Slot is room for one element, reserved by [Queue.Reserve]. Either Send or Release is to be called, once; the zero value
// is of no use. It stays valid when the queue is closed.
type Slot[T any] struct{ q *Queue[T] }

// Reserve waits as Send does, and reserves the room that it finds.
func (q *Queue[T]) Reserve(ctx context.Context) (Slot[T], error) {
	q.receivers.Lock()
	if err := q.slot(ctx); err != nil {
		return Slot[T]{}, err
	}
	q.receivers.Unlock()
	return Slot[T]{q}, nil
}

// TryReserve reserves room if there is some and nobody waits for it. It reports whether it did; the error is ErrClosed if q
// is closed.
func (q *Queue[T]) TryReserve() (s Slot[T], ok bool, err error) { //nolint:staticcheck // ok says more than err
	q.receivers.Lock()
	defer q.receivers.Unlock()
	if q.trySlot() {
		return Slot[T]{q}, true, nil
	}
	if q.closed {
		err = ErrClosed
	}
	return Slot[T]{}, false, err
}

// Send appends x to the queue. It does not block. It panics if the slot has been used.
func (s *Slot[T]) Send(x T) {
	q := s.use()
	q.put(x)
	q.receivers.Unlock()
}

// Release gives the room back. It panics if the slot has been used.
func (s *Slot[T]) Release() {
	q := s.use()
	q.reserved--
	q.offerSlots()
	q.endIfDrained()
	q.receivers.Unlock()
}

func (s *Slot[T]) use() *Queue[T] {
	q := s.q
	if q == nil {
		panic("lock: Slot used twice")
	}
	s.q = nil
	q.receivers.Lock()
	return q
}

// trySlot reserves a slot if that is possible without waiting.
func (q *Queue[T]) trySlot() bool {
	if q.closed || !q.senders.empty() || q.length+q.reserved >= q.Cap() {
		return false
	}
	q.reserved++
	return true
}

// slot reserves a slot. It is called inside the guard; if it fails it returns outside.
func (q *Queue[T]) slot(ctx context.Context) error {
	if q.trySlot() {
		return nil
	}
	if q.closed {
		q.receivers.Unlock()
		return ErrClosed
	}
	w := waiterFor(worker.ForQueue, q)
	w.Init(ctx)
	q.senders.push(w)
	q.receivers.Unlock()
	err := w.Wait(ctx)
	q.receivers.Lock()
	if err == nil {
		if w.kind != refused {
			return nil
		}
		err = ErrClosed
	} else {
		q.senders.remove(w)
	}
	q.receivers.Unlock()
	return err
}

// refused is the kind of a waiter that was woken because the queue was closed.
const refused uint8 = 1

// put fills a reserved slot.
func (q *Queue[T]) put(x T) {
	if q.length == len(q.ring) {
		q.grow()
	}
	at := q.head + q.length
	if at >= len(q.ring) {
		at -= len(q.ring)
	}
	q.ring[at] = x
	q.length++
	q.reserved--
	q.offerElements()
}

func (q *Queue[T]) grow() {
	ring := make([]T, min(max(4, 2*len(q.ring)), q.Cap()))
	n := copy(ring, q.ring[q.head:])
	copy(ring[n:], q.ring[:q.head])
	q.ring, q.head = ring, 0
}

// offerElements wakes receivers for elements that nobody is going to take.
func (q *Queue[T]) offerElements() {
	for q.length > q.promised && !q.receivers.empty() {
		if q.receivers.pop().Wake() {
			q.promised++
		}
	}
}

// offerSlots wakes senders for free slots.
func (q *Queue[T]) offerSlots() {
	for q.length+q.reserved < q.Cap() && !q.senders.empty() {
		if q.senders.pop().Wake() {
			q.reserved++
		}
	}
}

// Receive takes the oldest element: it waits until there is one. When q is closed, it returns what is left, and then
// ErrClosed. If ctx is done before, it returns its error.
func (q *Queue[T]) Receive(ctx context.Context) (x T, err error) {
	q.receivers.Lock()
	if q.length > q.promised {
		x = q.take()
		q.receivers.Unlock()
		return x, nil
	}
	if q.drained() {
		q.receivers.Unlock()
		return x, ErrClosed
	}
	w := waiterFor(worker.ForQueue, q)
	if _, err = q.receivers.wait(ctx, w); err != nil {
		q.receivers.Unlock()
		return x, err
	}
	q.receivers.Lock()
	defer q.receivers.Unlock()
	if w.kind == refused {
		return x, ErrClosed
	}
	q.promised--
	return q.take(), nil
}

// TryReceive takes the oldest element, if there is one and no other receiver waits for it, and reports whether it did. The
// error is ErrClosed if q is closed and there never will be one.
func (q *Queue[T]) TryReceive() (x T, ok bool, err error) { //nolint:staticcheck // ok says more than err
	q.receivers.Lock()
	defer q.receivers.Unlock()
	if q.length > q.promised {
		return q.take(), true, nil
	}
	if q.drained() {
		err = ErrClosed
	}
	return x, false, err
}

func (q *Queue[T]) take() T {
	var none T
	x := q.ring[q.head]
	q.ring[q.head] = none
	if q.head++; q.head == len(q.ring) {
		q.head = 0
	}
	q.length--
	q.offerSlots()
	q.endIfDrained()
	return x
}

// Close lets nothing more in: senders that wait, and those that come later, get [ErrClosed]. What is in the queue can still be
// received, and reserved slots filled. It may be called more than once.
func (q *Queue[T]) Close() {
	q.receivers.Lock()
	q.closed = true
	refuseAll(&q.senders)
	q.endIfDrained()
	q.receivers.Unlock()
}

// drained reports that there is no element, and never will be, but those that are promised.
func (q *Queue[T]) drained() bool { return q.closed && q.length == q.promised && q.reserved == 0 }

func (q *Queue[T]) endIfDrained() {
	if q.drained() {
		refuseAll(&q.receivers)
	}
}

func refuseAll(q *queue) {
	for w := q.pop(); w != nil; w = q.pop() {
		w.kind = refused
		w.Wake()
	}
}

// All returns the elements, each to one of those who iterate, until the queue is closed and drained, or ctx is done: that
// comes as the last pair's error.
func (q *Queue[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			x, err := q.Receive(ctx)
			if errors.Is(err, ErrClosed) || !yield(x, err) || err != nil {
				return
			}
		}
	}
}
