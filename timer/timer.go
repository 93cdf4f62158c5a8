package timer

import (
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// A Timer is a single event in the future. Get one from [Shard.AfterFunc] or [Shard.NewTimer], or embed one and call
// [Timer.Init]. Its methods may be called from anywhere, also at the same time. A Timer must not be copied.
type Timer struct {
	// C is where the time is sent, if the timer was made by NewTimer, and nil otherwise.
	C <-chan time.Time

	shard atom.Pointer[Shard] // where it was started last; nil before. Changed under that shard's lock, see bind.

	// Guarded by the shard's lock.
	tick  uint64 // when it is due
	block *block // where it is
	slot  uint16 // the list that it is in, from 1; 0 if it is not pending
	place uint8  // in the block
	event event  // what happens when it fires; constant
}

// An event is what happens when a timer fires.
type event interface {
	// fire is called by the shard with its lock held, when the timer has just left the wheel. It reports whether something
	// is left to be done without the lock.
	fire(s *Shard, t *Timer, now time.Duration) bool
	// deliver does that. The timer may have been started again meanwhile.
	deliver(w *Wheels)
}

// A callback is run where [Config.Run] puts it.
type callback func()

func (callback) fire(*Shard, *Timer, time.Duration) bool { return true }
func (f callback) deliver(w *Wheels)                     { w.run([]func(){f}) }

// A direct callback is run by whoever polls.
type direct func()

func (direct) fire(*Shard, *Timer, time.Duration) bool { return true }
func (f direct) deliver(*Wheels)                       { f() }

// AfterFunc returns a timer that hands f to [Config.Run] after d. It allocates the timer: 64 bytes.
func (s *Shard) AfterFunc(d time.Duration, f func()) *Timer {
	if f == nil {
		panic("timer: AfterFunc with a nil function")
	}
	t := &Timer{event: callback(f)}
	t.ResetOn(s, d)
	return t
}

// Init prepares a timer that is part of something else, such as a connection with a deadline. f is called by whoever polls,
// a driver or a worker between two tasks, holding no lock: it must neither block nor panic nor take long, and may start and
// stop timers. Closing the wheels calls f early, so that nobody waits for ever.
//
// Init must be called once, before the timer is used. It starts nothing: use [Timer.ResetOn].
func (t *Timer) Init(f func()) {
	if f == nil {
		panic("timer: Init with a nil function")
	}
	t.event = direct(f)
}

// Stop prevents the timer from firing. It reports whether it has done so: false means that the timer was not running, or has
// fired, in which case its function has been handed over and may be running. A timer with a channel has fired when its value
// has been received; after Stop none will be.
//
// It takes constant time, some 20 ns if the caller's worker started the timer. It waits for no callback.
func (t *Timer) Stop() bool {
	s := t.lock()
	if s == nil {
		return false
	}
	stopped := s.disarm(t)
	s.mu.Unlock()
	return stopped
}

// Reset sets the timer to fire after d, whether it is running or not, and reports whether it was, in the sense of
// [Timer.Stop]. If it was not, an earlier call of its function may still be running.
//
// The timer stays in the shard where it was started last. Reset panics if it has never been started.
func (t *Timer) Reset(d time.Duration) bool {
	s := t.shard.Load()
	if s == nil {
		panic("timer: Reset of a timer that has no shard; use ResetOn")
	}
	return t.ResetOn(s, d)
}

// ResetOn is [Timer.Reset] on the shard s: a timer is best in the shard of the worker that will use it next.
//
// It takes constant time: some 30 ns within a shard, and 20 more if the clock has to be read, which the shard does not do more
// often than every 32 us if Linux makes it of the processor's counter (clock source tsc).
func (t *Timer) ResetOn(s *Shard, d time.Duration) bool {
	t.check()
	active := t.bind(s)
	now, when := s.deadline(d)
	s.insert(t, now, when)
	return active
}

// ResetAt is [Timer.ResetOn] with a point in time, as [Wheels.Now] counts, for those who have it at hand: it does not read the
// clock.
func (t *Timer) ResetAt(s *Shard, when time.Duration) bool {
	t.check()
	active := t.bind(s)
	s.insert(t, 0, when)
	return active
}

func (t *Timer) check() {
	if t.event == nil {
		panic("timer: start of an uninitialized timer")
	}
}

// lock locks the shard that the timer is bound to, and returns it; nil if it is bound to none.
func (t *Timer) lock() *Shard {
	for {
		s := t.shard.Load()
		if s == nil {
			return nil
		}
		s.mu.Lock()
		if t.shard.Load() == s { // It may have been bound to another meanwhile.
			return s
		}
		s.mu.Unlock()
	}
}

// bind stops the timer, binds it to s, and returns with s locked. It reports whether the timer was active.
//
// Whoever holds the lock of the shard that a timer is bound to has the timer for himself. To bind it to another shard takes
// both locks: between them, others could start the timer and be told that it was not running, though it is about to be.
func (t *Timer) bind(s *Shard) (active bool) {
	for {
		old := t.shard.Load()
		if old == nil {
			t.shard.CompareAndSwap(nil, s)
			continue
		}
		old.lockWith(s)
		if t.shard.Load() == old {
			active = old.disarm(t)
			if old != s {
				t.shard.Store(s)
				old.mu.Unlock()
			}
			return active
		}
		old.mu.Unlock()
		if old != s {
			s.mu.Unlock()
		}
	}
}

// lockWith locks two shards, which may be the same one.
func (s *Shard) lockWith(other *Shard) {
	if s.order > other.order {
		s, other = other, s
	}
	s.mu.Lock()
	if s != other {
		other.mu.Lock()
	}
}

// disarm takes the timer out of the wheel, and out of its channel what it may have sent. It reports whether that has kept
// the timer from firing. The lock must be held.
func (s *Shard) disarm(t *Timer) bool {
	armed := t.slot != 0
	if armed {
		s.wheel.remove(t)
	}
	if c, ok := t.event.(*channel); ok && c.drain() {
		return true
	}
	return armed
}
