package lock

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// An RWMutex is a lock that many readers or one writer can hold. The zero value is unlocked.
//
// Nobody overtakes: a reader that comes while a writer waits is served after it. So neither readers nor writers starve; and so
// a holder of the read lock must not take it a second time, since a writer may have come in between.
type RWMutex struct {
	state atom.Uint32
	queue queue
}

// The state of an RWMutex.
//
//	bit 0   a writer holds it
//	bit 1   the queue is not empty: all that come must join it
//	bit 2-  the number of readers that hold it
//
// Bit 1 changes inside the guard. While it is set, bit 0 and the number of readers grow there only.
const (
	rwWriter uint32 = 1 << iota
	rwQueued
	rwReader
)

// Kinds of waiters.
const (
	waitsToWrite uint8 = iota
	waitsToRead
)

// Lock locks rw for writing: it waits until nobody holds it. If ctx is done first, it returns its error; a free lock is taken
// whatever ctx says.
func (rw *RWMutex) Lock(ctx context.Context) error {
	if rw.state.CompareAndSwap(0, rwWriter) {
		return nil
	}
	return rw.lockSlow(ctx, waitsToWrite)
}

// TryLock locks rw for writing if nobody holds it or waits for it, and reports whether it did.
func (rw *RWMutex) TryLock() bool { return rw.state.CompareAndSwap(0, rwWriter) }

// Unlock ends a Lock. It panics if rw is not locked for writing. It does not block.
func (rw *RWMutex) Unlock() {
	if !rw.state.CompareAndSwap(rwWriter, 0) {
		rw.unlockSlow()
	}
}

func (rw *RWMutex) unlockSlow() {
	if rw.state.Load()&rwWriter == 0 {
		panic("lock: Unlock of an RWMutex that is not locked for writing")
	}
	rw.queue.Lock()
	rw.state.And(^rwWriter)
	rw.grant()
	rw.queue.Unlock()
}

// RLock locks rw for reading: it waits until no writer holds it or has come before. If ctx is done first, it returns its
// error; a free lock is taken whatever ctx says.
func (rw *RWMutex) RLock(ctx context.Context) error {
	if rw.TryRLock() {
		return nil
	}
	return rw.lockSlow(ctx, waitsToRead)
}

// TryRLock locks rw for reading if no writer holds it or waits for it, and reports whether it did.
func (rw *RWMutex) TryRLock() bool {
	for {
		s := rw.state.Load()
		if s&(rwWriter|rwQueued) != 0 {
			return false
		}
		if rw.state.CompareAndSwap(s, s+rwReader) {
			return true
		}
	}
}

// RUnlock ends an RLock. It panics if rw is not locked for reading. It does not block.
func (rw *RWMutex) RUnlock() {
	for {
		s := rw.state.Load()
		if s < rwReader {
			panic("lock: RUnlock of an RWMutex that is not locked for reading")
		}
		if rw.state.CompareAndSwap(s, s-rwReader) {
			if s-rwReader == rwQueued {
				rw.queue.Lock()
				rw.grant()
				rw.queue.Unlock()
			}
			return
		}
	}
}

func (rw *RWMutex) lockSlow(ctx context.Context, kind uint8) error {
	w := waiterFor(worker.ForRWMutex, rw)
	w.kind = kind
	if rw.enqueue(w) {
		return nil
	}
	_, err := rw.queue.wait(ctx, w)
	if err != nil {
		rw.grant() // if it was the first, those behind it may be able to go on
		rw.queue.Unlock()
	}
	return err
}

// relock locks rw for writing even if the scheduler is being closed.
func (rw *RWMutex) relock() { rw.lockFirmly(waitsToWrite) }

func (rw *RWMutex) lockFirmly(kind uint8) {
	w := waiterFor(worker.ForRWMutex, rw)
	w.kind = kind
	if rw.enqueue(w) {
		return
	}
	w.Init(context.Background())
	rw.queue.push(w)
	rw.queue.Unlock()
	w.WaitFirmly()
}

// enqueue returns inside the guard, when w has to join the queue. It returns true, and outside, if the lock has been taken.
func (rw *RWMutex) enqueue(w *waiter) (taken bool) {
	rw.queue.Lock()
	for {
		s := rw.state.Load()
		to := s | rwQueued
		switch {
		case w.kind == waitsToWrite && s == 0:
			to = rwWriter
		case w.kind == waitsToRead && s&(rwWriter|rwQueued) == 0:
			to = s + rwReader
		}
		if rw.state.CompareAndSwap(s, to) {
			if to&rwQueued == 0 {
				rw.queue.Unlock()
				return true
			}
			return false
		}
	}
}

// grant lets in whoever is next: a writer, or all readers up to the next writer. The guard must be held.
func (rw *RWMutex) grant() {
	for !rw.queue.empty() {
		w := rw.queue.first
		if w.kind == waitsToWrite {
			if rw.state.Load() != rwQueued {
				return
			}
			rw.queue.remove(w)
			rw.state.Or(rwWriter)
			if w.Wake() {
				break
			}
			rw.state.And(^rwWriter)
			continue
		}
		if rw.state.Load()&rwWriter != 0 {
			return
		}
		rw.queue.remove(w)
		rw.state.Add(rwReader)
		if !w.Wake() {
			rw.state.Add(^(rwReader - 1)) // one less
		}
	}
	if rw.queue.empty() {
		rw.state.And(^rwQueued)
	}
}

// RLocker returns rw's read lock as a [Locker].
func (rw *RWMutex) RLocker() Locker { return (*readLock)(rw) }

type readLock RWMutex

func (r *readLock) Lock(ctx context.Context) error { return (*RWMutex)(r).RLock(ctx) }
func (r *readLock) Unlock()                        { (*RWMutex)(r).RUnlock() }
func (r *readLock) relock()                        { (*RWMutex)(r).lockFirmly(waitsToRead) }
