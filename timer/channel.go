package timer

import "time"

// A channel is the event of timers that send the time. Sending happens under the shard's lock, and stopping takes a value that
// has not been received out again under the same lock: so no value is stale.
type channel struct {
	c      chan time.Time // of capacity 1
	when   time.Duration  // of a ticker: the exact time of the next tick
	period time.Duration  // 0 if it is not a ticker's
}

// fire sends. If the last value of a ticker has not been received, this one is dropped. A ticker that is late goes on with
// the first time that is not past, in its old rhythm.
func (c *channel) fire(s *Shard, t *Timer, now time.Duration) bool {
	select {
	case c.c <- s.wheels.date(now):
	default:
	}
	if c.period > 0 {
		c.when = later(c.when, c.period*(1+max(0, now-c.when)/c.period))
		s.insertLocked(t, now, c.when)
	}
	return false
}

func (c *channel) deliver(*Wheels) {}

func (c *channel) drain() bool {
	select {
	case <-c.c:
		return true
	default:
		return false
	}
}

// NewTimer returns a timer that sends the time on its channel C after d. It allocates some 250 bytes, most of them for the
// channel. Unlike those of package time, the timer is kept while it is pending, also if nobody refers to it: stop it.
func (s *Shard) NewTimer(d time.Duration) *Timer {
	c := make(chan time.Time, 1)
	t := &Timer{C: c, event: &channel{c: c}}
	t.ResetOn(s, d)
	return t
}

// After returns a channel that receives the time after d. It is [Shard.NewTimer] for a timer that is never stopped.
func (s *Shard) After(d time.Duration) <-chan time.Time { return s.NewTimer(d).C }

// A Ticker sends the time on a channel at intervals. A tick that nobody receives before the next one is dropped. If the ticker
// is late by more than the interval, because the process was stopped for instance, one tick comes in place of those that were
// missed.
type Ticker struct {
	C <-chan time.Time
	t Timer
}

// NewTicker returns a ticker with the given interval. It panics if that is not positive. Stop it, or it goes on for ever.
func (s *Shard) NewTicker(interval time.Duration) *Ticker {
	c := make(chan time.Time, 1)
	k := &Ticker{C: c, t: Timer{event: &channel{c: c}}}
	k.start(s, interval, "NewTicker")
	return k
}

// Stop turns the ticker off. No tick is received after it. It does not close the channel.
func (k *Ticker) Stop() { k.t.Stop() }

// Reset stops the ticker and starts it with another interval; the next tick comes after that. It panics if the interval is
// not positive.
func (k *Ticker) Reset(interval time.Duration) { k.start(k.t.shard.Load(), interval, "Ticker.Reset") }

func (k *Ticker) start(s *Shard, interval time.Duration, op string) {
	if interval <= 0 {
		panic("timer: " + op + " with an interval that is not positive")
	}
	k.t.bind(s)
	now, when := s.deadline(interval)
	c := k.t.event.(*channel)
	c.when, c.period = when, interval
	s.insert(&k.t, now, when)
}
