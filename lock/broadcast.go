package lock

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Broadcast sends every value to every receiver. Senders never wait: it keeps a number of the latest values, and a receiver
// that falls behind further is told how many it has missed. The zero value keeps 16.
type Broadcast[T any] struct {
	queue  queue
	ring   []T
	sent   uint64 // the next value's number; it goes to ring[sent % len(ring)]
	closed bool
}

const defaultBroadcast = 16

// NewBroadcast returns a Broadcast that keeps a number of values. It panics if that is less than 1.
func NewBroadcast[T any](keep int) *Broadcast[T] {
	if keep < 1 {
		panic("lock: Broadcast that keeps less than one value")
	}
	return &Broadcast[T]{ring: make([]T, keep)}
}

// Send sends a value to all receivers. It returns ErrClosed if b is closed. It does not block.
func (b *Broadcast[T]) Send(value T) error {
	b.queue.Lock()
	if b.closed {
		b.queue.Unlock()
		return ErrClosed
	}
	if b.ring == nil {
		b.ring = make([]T, defaultBroadcast)
	}
	b.ring[b.sent%uint64(len(b.ring))] = value
	b.sent++
	all := b.queue.takeAll()
	b.queue.Unlock()
	wakeAll(all)
	return nil
}

// Close ends the broadcast, after what was sent. It may be called more than once.
func (b *Broadcast[T]) Close() {
	b.queue.Lock()
	b.closed = true
	all := b.queue.takeAll()
	b.queue.Unlock()
	wakeAll(all)
}

// Subscribe returns a receiver of what is sent from now on. It is for one task or goroutine at a time. It needs no closing.
func (b *Broadcast[T]) Subscribe() *Receiver[T] {
	b.queue.Lock()
	defer b.queue.Unlock()
	return &Receiver[T]{b: b, next: b.sent}
}

// A Receiver is one subscription to a [Broadcast].
type Receiver[T any] struct {
	b    *Broadcast[T]
	next uint64
}

// A LaggedError says that a receiver was too slow.
type LaggedError struct {
	Missed uint64 // values that it will not get
}

// Error describes the loss.
func (e *LaggedError) Error() string {
	return fmt.Sprintf("lock: receiver lagged: %d values missed", e.Missed)
}

// Receive waits for the next value. If that is not kept any more, it returns a [*LaggedError], and the next call the oldest
// value that is. It returns ErrClosed after the last value, and ctx's error if that is done before.
func (r *Receiver[T]) Receive(ctx context.Context) (T, error) {
	b := r.b
	for {
		b.queue.Lock()
		value, ok, err := r.take()
		if ok || err != nil {
			b.queue.Unlock()
			return value, err
		}
		left, err := b.queue.wait(ctx, waiterFor(worker.ForBroadcast, b))
		if err != nil {
			b.queue.Unlock()
			if left {
				return value, err
			}
		}
	}
}

// TryReceive is Receive without waiting. It reports whether there was a value.
func (r *Receiver[T]) TryReceive() (value T, ok bool, err error) { //nolint:staticcheck // ok says more than err
	r.b.queue.Lock()
	defer r.b.queue.Unlock()
	return r.take()
}

func (r *Receiver[T]) take() (value T, ok bool, err error) { //nolint:staticcheck // ok says more than err
	b := r.b
	if r.next == b.sent {
		if b.closed {
			err = ErrClosed
		}
		return value, false, err
	}
	keep := uint64(len(b.ring))
	if behind := b.sent - r.next; behind > keep {
		r.next = b.sent - keep
		return value, false, &LaggedError{Missed: behind - keep}
	}
	value = b.ring[r.next%keep]
	r.next++
	return value, true, nil
}

// All returns the values as they come. A [*LaggedError] comes among them; the error of ctx comes last.
func (r *Receiver[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			value, err := r.Receive(ctx)
			var lagged *LaggedError
			if errors.Is(err, ErrClosed) || !yield(value, err) || err != nil && !errors.As(err, &lagged) {
				return
			}
		}
	}
}
