package lock

import (
	"context"
	"iter"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Watch holds a value that changes, and lets others wait for the next. They see the latest, and may miss what was between.
// The zero value holds the zero value of T, as version 0.
type Watch[T any] struct {
	queue   queue
	value   T
	version uint64
	closed  bool
}

// Set changes the value, and ends all waits for it. It returns the new version, one more than the last. It panics if w is
// closed.
func (w *Watch[T]) Set(value T) (version uint64) {
	w.queue.Lock()
	if w.closed {
		w.queue.Unlock()
		panic("lock: Set of a Watch that is closed")
	}
	w.value = value
	w.version++
	version = w.version
	all := w.queue.takeAll()
	w.queue.Unlock()
	wakeAll(all)
	return version
}

// Get returns the value and its version.
func (w *Watch[T]) Get() (value T, version uint64) {
	w.queue.Lock()
	defer w.queue.Unlock()
	return w.value, w.version
}

// Next waits until the version is another than seen, and returns the value and its version. It returns ErrClosed if w is closed
// and the last version was seen, and ctx's error if that is done before.
func (w *Watch[T]) Next(ctx context.Context, seen uint64) (value T, version uint64, err error) {
	for {
		w.queue.Lock()
		value, version = w.value, w.version
		switch {
		case version != seen:
			w.queue.Unlock()
			return value, version, nil
		case w.closed:
			w.queue.Unlock()
			return value, version, ErrClosed
		}
		left, err := w.queue.wait(ctx, waiterFor(worker.ForWatch, w))
		if err != nil {
			w.queue.Unlock()
			if left {
				return value, version, err
			}
		}
	}
}

// TryNext is Next without waiting: ok reports whether the version is another than seen.
func (w *Watch[T]) TryNext(seen uint64) (value T, version uint64, ok bool) {
	value, version = w.Get()
	return value, version, version != seen
}

// Close says that the value will not change again. It may be called more than once.
func (w *Watch[T]) Close() {
	w.queue.Lock()
	w.closed = true
	all := w.queue.takeAll()
	w.queue.Unlock()
	wakeAll(all)
}

// All returns the value, then each change that is seen, until w is closed or ctx is done: that comes as the last pair's error.
func (w *Watch[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		value, seen := w.Get()
		for err := error(nil); yield(value, err) && err == nil; {
			if value, seen, err = w.Next(ctx, seen); err == ErrClosed {
				return
			}
		}
	}
}
