package timer

import (
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/tick"
)

// A Shard is one wheel and its lock. A worker has one of its own, so the lock is rarely contended and costs 12 ns for taking
// and releasing it.
//
// Why there is a lock at all: a wheel that only its worker may touch would save those 12 ns. But then the timers of a worker
// that is blocked in a system call, or computes for a second without a safe point, would all wait for it, and those who stop
// a timer of another worker would leave it in the wheel until that worker comes round. With the lock, anybody can poll any
// shard, and stopping is removing, but for a few places that are cleared a little later (see holes). One lock for all wheels would
// not do either: with it, two threads got less done than one.
type Shard struct {
	wheels *Wheels
	order  uint64 // of taking the locks of several shards; unique in the process
	_      [112]byte

	mu     mutex
	closed bool
	clock  tick.Clock // what timers that are started here go by
	wheel  wheel
	_      [128]byte

	// event is the time from which on the shard must be polled, never later than wheel.event; forever if it need not be.
	// Written under the lock, read by anyone.
	event atom.Int64
	// grace is by how much the driver may come later than that, because the worker polls.
	grace atom.Int64
	_     [112]byte
}

// deadline returns a time that has just been, and one that is d after the present or, if the clock is reckoned, some microseconds
// later: 0 if d is not positive. The lock must be held.
func (s *Shard) deadline(d time.Duration) (now, when time.Duration) {
	var most time.Duration
	if s.wheels.clock != nil {
		now = s.wheels.clock()
		most = now
	} else {
		now, most = s.clock.Now()
	}
	if d <= 0 {
		return now, 0
	}
	return now, later(most, d)
}

// insert puts a timer, which is in no wheel, into this one, and unlocks the shard. now is the time or earlier.
func (s *Shard) insert(t *Timer, now, when time.Duration) {
	if s.closed {
		s.mu.Unlock()
		s.wheels.abandon(t.event)
		return
	}
	earlier := s.insertLocked(t, now, when)
	s.mu.Unlock()
	if earlier {
		s.wheels.hurry(s)
	}
}

// insertLocked reports whether the shard must now be polled earlier than was known.
func (s *Shard) insertLocked(t *Timer, now, when time.Duration) (earlier bool) {
	t.tick = s.wheels.ticks.at(when)
	event := s.wheels.ticks.begin(s.wheel.insert(t, s.wheels.ticks.by(now)))
	if event >= s.next() {
		return false
	}
	s.event.Store(int64(event))
	return true
}

// Poll fires the timers that are due at the time now, which is [Wheels.Now] or was a moment ago, and returns how many. If
// nothing is due it costs a load. It waits for nothing but the shard's lock, and returns after a bounded amount of work, some
// 50 us, when it finds very much to do; the shard is then due to be polled again at once.
//
// Anybody may call it. A worker calls it between tasks and before it parks.
func (s *Shard) Poll(now time.Duration) (fired int) {
	if now < s.next() {
		return 0
	}
	return s.poll(now)
}

// Next returns when the shard must be polled next, and false if it need not be: if it has no timers. It is exact or too early,
// by what has been stopped. It costs a load.
func (s *Shard) Next() (when time.Duration, ok bool) {
	when = s.next()
	return when, when != forever
}

func (s *Shard) next() time.Duration { return time.Duration(s.event.Load()) }

// Attend tells the driver that the shard's worker polls it in time, so that the driver need not, and leaves it to the worker
// for so long after a timer has become due. Zero, which is how it starts, makes the driver wake for every timer. Workers call it
// when they are about to rest, so it also lets go of the last timers that were stopped.
func (s *Shard) Attend(grace time.Duration) {
	s.tidy()
	grace = max(grace, 0)
	if was := time.Duration(s.grace.Swap(int64(grace))); grace < was {
		s.wheels.hurry(s)
	}
}

// Leave ends [Shard.Attend] as Attend(0) does, but does not wake the driver: that will know when it next wakes by itself, which
// may be as late as the grace that it was given. It costs a store.
func (s *Shard) Leave() {
	if s.grace.Load() != 0 {
		s.grace.Store(0)
	}
}

// tidy has the wheel forget the timers that were stopped.
func (s *Shard) tidy() {
	s.mu.Lock()
	s.wheel.tidy()
	if event := s.wheels.ticks.begin(s.wheel.event()); event > s.next() {
		s.event.Store(int64(event))
	}
	s.mu.Unlock()
}

// Pending returns how many timers there are in the shard.
func (s *Shard) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wheel.pending
}

const (
	pollBatch = 32  // how many timers fire for one taking of the lock
	pollMoves = 128 // how many are moved for one taking of the lock
	pollTurns = 8   // how often one call takes the lock, at most
)

//go:noinline
func (s *Shard) poll(now time.Duration) (fired int) {
	var batch [pollBatch]event
	var calls []func()
	for range pollTurns {
		n, delivered, left, more := s.expire(now, &batch)
		fired += n
		calls = s.wheels.deliver(batch[:delivered], calls, left)
		if !more {
			break
		}
	}
	if calls != nil {
		s.wheels.run(calls)
	}
	return fired
}

// expire fires what is due. The events that want more than that are put in the batch. left is about how many there are besides.
func (s *Shard) expire(now time.Duration, batch *[pollBatch]event) (fired, delivered, left int, more bool) {
	s.mu.Lock()
	tick := s.wheels.ticks.by(now)
	for moves := pollMoves; delivered < len(batch); fired++ {
		t := s.wheel.expire(tick, &moves)
		if t == nil {
			break
		}
		if e := t.event; e.fire(s, t, now) {
			batch[delivered] = e
			delivered++
		}
	}
	event := s.wheels.ticks.begin(s.wheel.event())
	if event != s.next() {
		s.event.Store(int64(event))
	}
	if l := s.wheel.draining; l != nil {
		left = l.n
	}
	s.mu.Unlock()
	return fired, delivered, left, event <= now
}

// close empties the shard, and returns the events of the timers it had.
func (s *Shard) close() (events []event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.wheel.tidy()
	for i := range s.wheel.lists {
		for l := &s.wheel.lists[i]; l.n != 0; {
			events = append(events, s.wheel.pull(l).event)
		}
	}
	s.event.Store(int64(forever))
	return events
}
