package lock

import (
	"context"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Mutex is a mutual exclusion lock. The zero value is unlocked.
//
// It belongs to nobody in particular: what one task has locked, another may unlock.
type Mutex struct {
	state  atom.Uint32
	queued int           // how many are in the queue
	due    atom.Int64    // when the waiter that mutexWoken stands for starves, and its turn has come; changes inside the guard
	kept   time.Duration // when the lock was last kept for a starving waiter
	queue  queue         // its guard is that of the fields above as well
}

// The state of a Mutex.
//
//	bit 0  locked
//	bit 1  the queue is not empty
//	bit 2  woken: a waiter was taken from the queue and woken, and has neither got the lock nor queued up again
//	bit 3  starving: the lock is kept for the waiter of bit 2; others queue up even if bit 0 is not set
//
// A waiter that is woken competes with those that come just then, who are running already and most often win. That is what
// makes a contended lock fast: the holder's next Lock costs no switch. It loses until it has waited for starvation; then an
// Unlock keeps the lock for it. It is the Unlock that notices, because the woken task may not even run: its worker may be the
// one that the holder computes on.
//
// Where many wait, all soon starve. To keep the lock for each in turn would make every Lock a switch, and most of them one to
// another thread. So between two such Unlocks there is a time in which whoever comes may have the lock, as long as that keeps
// the last in the queue waiting no longer than patience.
//
// Bit 1 and the queue change inside the guard. So do bits 2 and 3 when they are set; the waiter that bit 2 stands for clears both
// as it takes the lock.
const (
	mutexLocked uint32 = 1 << iota
	mutexQueued
	mutexWoken
	mutexStarving
)

const (
	// starvation is how long a waiter may lose to others.
	starvation = 4 * time.Millisecond
	// patience is how long it takes after that to serve the whole queue, if each switch takes no time.
	patience = 6 * time.Millisecond
	// turn is the longest time between two waiters that are served because they starve.
	turn = 200 * time.Microsecond
)

// Lock locks m. It suspends the calling task, or blocks the calling goroutine, until m is free. If ctx is done first, it
// returns ctx's error and m is not locked; a free lock is taken whatever ctx says. Without a rival it costs one
// compare-and-swap.
func (m *Mutex) Lock(ctx context.Context) error {
	if m.state.CompareAndSwap(0, mutexLocked) {
		return nil
	}
	return m.lockSlow(ctx, false)
}

// TryLock locks m if it is free, and reports whether it did.
func (m *Mutex) TryLock() bool {
	s := m.state.Load()
	return s&(mutexLocked|mutexStarving) == 0 && m.state.CompareAndSwap(s, s|mutexLocked)
}

// Unlock unlocks m. It panics if m is not locked. It does not block. Without a waiter it costs one compare-and-swap.
func (m *Mutex) Unlock() {
	if !m.state.CompareAndSwap(mutexLocked, 0) {
		m.unlockSlow()
	}
}

// relock locks m even if the scheduler is being closed.
func (m *Mutex) relock() {
	if !m.state.CompareAndSwap(0, mutexLocked) {
		_ = m.lockSlow(context.Background(), true)
	}
}

// lockSlow waits for the lock. If firmly is set, it cannot fail.
func (m *Mutex) lockSlow(ctx context.Context, firmly bool) error {
	var since time.Duration // when it first queued up
	woken := uint32(0)      // mutexWoken if that stands for this waiter
	for spins := 0; ; {
		s := m.state.Load()
		if s&mutexLocked == 0 && (s&mutexStarving == 0 || woken != 0) {
			to := s | mutexLocked
			if woken != 0 {
				to &^= mutexWoken | mutexStarving
			}
			if m.state.CompareAndSwap(s, to) {
				return nil
			}
			continue
		}
		if s&mutexStarving == 0 && spins < mutexSpin {
			spins++
			atom.Yield()
			continue
		}
		if since == 0 {
			since = atom.Now()
		}
		w := &waiter{since: since}
		w.Init(ctx)
		w.For(worker.ForMutex, m)
		if !m.enqueue(w, woken) {
			continue
		}
		if firmly {
			w.WaitFirmly()
		} else if err := w.Wait(ctx); err != nil {
			m.leave(w)
			return err
		}
		woken, spins = mutexWoken, 0
	}
}

// enqueue puts a waiter into the queue: to the front if it has been there before, which woken says. It reports false if the
// lock is to be had.
func (m *Mutex) enqueue(w *waiter, woken uint32) bool {
	m.queue.Lock()
	defer m.queue.Unlock()
	for {
		s := m.state.Load()
		if s&mutexLocked == 0 && (s&mutexStarving == 0 || woken != 0) {
			return false
		}
		if m.state.CompareAndSwap(s, (s|mutexQueued)&^woken) {
			break
		}
	}
	if woken != 0 {
		m.queue.pushFront(w)
	} else {
		m.queue.push(w)
	}
	m.queued++
	return true
}

// leave takes a waiter out of the queue that has given up. If it is not there, the Unlock that took it out finds that it
// cannot be woken, and wakes the next.
func (m *Mutex) leave(w *waiter) {
	m.queue.Lock()
	if m.queue.remove(w) {
		m.queued--
		if m.queue.empty() {
			m.state.And(^mutexQueued)
		}
	}
	m.queue.Unlock()
}

func (m *Mutex) unlockSlow() {
	s := m.state.Load()
	if s&mutexLocked != 0 && s&mutexWoken != 0 && int64(atom.Now()) < m.due.Load() {
		// Somebody is on the way, and can wait.
		if m.state.CompareAndSwap(s, s&^mutexLocked) {
			return
		}
	}
	m.queue.Lock()
	s = m.state.Load() // which nobody changes now, unless the caller holds no lock
	if s&mutexLocked == 0 {
		m.queue.Unlock()
		panic("lock: Unlock of a Mutex that is not locked")
	}
	var w *waiter
	if s&mutexWoken == 0 {
		if w = m.next(); w != nil {
			s |= mutexWoken
		}
		if m.queue.empty() {
			s &^= mutexQueued
		}
	}
	if s&mutexWoken != 0 && m.starves() {
		s |= mutexStarving
	}
	m.state.Store(s &^ mutexLocked)
	m.queue.Unlock()
	for w != nil && !w.Wake() {
		w = m.pass()
	}
}

// starves decides whether the lock is to be kept for the waiter that mutexWoken stands for.
func (m *Mutex) starves() bool {
	now := atom.Now()
	if int64(now) < m.due.Load() {
		return false
	}
	m.kept = now
	return true
}

// next takes the waiter out of the queue that mutexWoken is going to stand for.
func (m *Mutex) next() *waiter {
	w := m.queue.pop()
	if w != nil {
		m.queued--
		m.due.Store(int64(max(w.since+starvation, m.kept+min(turn, patience/time.Duration(m.queued+1)))))
	}
	return w
}

// pass finds another waiter for mutexWoken to stand for, if the one that it stood for has given up. If there is none, it
// clears the bit.
func (m *Mutex) pass() *waiter {
	m.queue.Lock()
	defer m.queue.Unlock()
	w := m.next()
	switch {
	case w == nil:
		m.state.And(^(mutexQueued | mutexWoken | mutexStarving))
	case m.queue.empty():
		m.state.And(^mutexQueued)
	}
	return w
}
