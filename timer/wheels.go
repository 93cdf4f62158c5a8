package timer

import (
	"errors"
	"math"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// The agreement with the driver, which is whoever calls Wheels.Next and sleeps until then. The two recipes are mirror images:
//
//	To sleep (Next):
//	  take the minimum of the shards' events; announce it as the plan; then look at the events once more.
//	  If one is earlier than the plan: begin again.
//
//	To start a timer that is due before everything else in its shard (insert, hurry):
//	  lower the shard's event; then read the plan.
//	  If the event is earlier than the plan: withdraw the plan, and whoever succeeds in that wakes the driver.
//
// Go's atomics are sequentially consistent. So either the second look sees the event, or the announcement was later than the
// look, and then the reader of the plan sees it. A timer that is not the first of its shard needs nothing: whoever lowered the
// event before has done it or is about to. Workers that poll only ever raise events. So the driver wakes too early at times,
// and too late never.

// Config says how to make [Wheels].
type Config struct {
	// Workers is the number of shards besides the outside one. It may be 0.
	Workers int
	// Tick is the resolution, 50 us to 1 s; 0 means 100 us.
	Tick time.Duration
	// Run is what timers' functions are handed to, those that are due at once together, and must not block. It is called by
	// whoever polls, so it should start the functions elsewhere, or queue them; the slice is its own. By default each gets a
	// goroutine.
	Run func(fs []func())
	// Now is the clock: the time since some fixed point, never less than before, and negative never. By default it is the
	// monotonic clock. Tests use that of a [Fake].
	Now func() time.Duration
}

// The limits and the default of [Config.Tick].
const (
	MinTick     = 50 * time.Microsecond
	MaxTick     = time.Second
	DefaultTick = 100 * time.Microsecond
)

// Wheels are the shards of one scheduler. All methods may be called at any time from anywhere, except where something else
// is said.
type Wheels struct {
	shards []*Shard // the workers', then the outside one
	ticks  scale
	run    func(fs []func())
	clock  func() time.Duration // nil: the monotonic clock
	wake   atom.Pointer[func()]
	closed atom.Bool
	_      [128]byte
	plan   atom.Int64 // until when the driver sleeps; withdrawn if it has been woken
	_      [128]byte
}

const (
	forever   time.Duration = math.MaxInt64 // the end of the clock
	withdrawn int64         = math.MinInt64
)

var shardsMade atom.Uint64

// New returns wheels without timers. It starts nothing. It fails if a number in the configuration is out of its range.
func New(c Config) (*Wheels, error) {
	if c.Workers < 0 {
		return nil, errors.New("timer: the number of workers is negative")
	}
	if c.Tick == 0 {
		c.Tick = DefaultTick
	}
	if c.Tick < MinTick || c.Tick > MaxTick {
		return nil, errors.New("timer: the tick is not between 50us and 1s")
	}
	w := &Wheels{
		shards: make([]*Shard, c.Workers+1),
		ticks:  scaleOf(c.Tick),
		run:    c.Run,
		clock:  c.Now,
	}
	if w.run == nil {
		w.run = func(fs []func()) {
			for _, f := range fs {
				go f()
			}
		}
	}
	w.SetWake(func() {})
	w.plan.Store(withdrawn)
	for i := range w.shards {
		s := &Shard{wheels: w, order: shardsMade.Add(1)}
		s.wheel.free = never - 1
		s.event.Store(int64(forever))
		w.shards[i] = s
	}
	return w, nil
}

// Shard returns the shard of a worker, which has a number from 0. For any other number, -1 for instance, it returns the
// shard for callers that are no workers.
func (w *Wheels) Shard(worker int) *Shard {
	last := len(w.shards) - 1
	return w.shards[min(uint(worker), uint(last))]
}

// Tick returns the resolution.
func (w *Wheels) Tick() time.Duration { return w.ticks.length }

// Now returns the time that the wheels go by. It costs about 30 ns.
func (w *Wheels) Now() time.Duration {
	if w.clock != nil {
		return w.clock()
	}
	return atom.Now()
}

// Poll fires what is due at the time now in all shards, except for those that [Shard.Attend] leaves to their workers for the
// moment, and returns how many. With very much to do it leaves some for the next call; [Wheels.Next] will
// have passed already.
func (w *Wheels) Poll(now time.Duration) (fired int) {
	for _, s := range w.shards {
		if s.wanted() <= now {
			fired += s.poll(now)
		}
	}
	return fired
}

// Next returns when Poll should be called next, or false if there is no timer. It is for the driver, of which there must be at
// most one: it says that the driver is going to sleep until then. If an earlier timer is started after that, the function given to
// [Wheels.SetWake] is called, once, until Next is called again.
func (w *Wheels) Next() (when time.Duration, ok bool) {
	for {
		when = w.earliest()
		w.plan.Store(int64(when)) // then look again: see above
		if w.earliest() >= when {
			return when, when != forever
		}
	}
}

// SetWake sets the function that wakes the driver. It must not block, and may be called by anybody. Call SetWake before Next.
func (w *Wheels) SetWake(wake func()) { w.wake.Store(&wake) }

// Close drops all timers, those that are started later included: no callback is called and nothing is sent any more. Sleepers
// are woken, and the functions given to [Timer.Init] are called. Stop the driver first. Close may be called more than once.
func (w *Wheels) Close() {
	w.closed.Store(true)
	for _, s := range w.shards {
		for _, e := range s.close() {
			w.abandon(e)
		}
	}
}

// Pending returns how many timers there are in all shards.
func (w *Wheels) Pending() (n int) {
	for _, s := range w.shards {
		n += s.Pending()
	}
	return n
}

// deliver does what is left to be done for timers that have fired, except that it adds callbacks to those that are to be handed over.
// left is about how many follow.
func (w *Wheels) deliver(events []event, calls []func(), left int) []func() {
	for _, e := range events {
		if f, ok := e.(callback); ok {
			if calls == nil {
				calls = make([]func(), 0, min(len(events)+left, pollBatch*pollTurns))
			}
			calls = append(calls, f)
		} else {
			e.deliver(w)
		}
	}
	return calls
}

// abandon deals with a timer that will never be due, because the wheels are closed.
func (w *Wheels) abandon(e event) {
	switch e := e.(type) {
	case direct, *sleeper:
		e.deliver(w)
	}
}

// hurry wakes the driver if it would come too late for the shard. The caller has lowered the shard's event.
func (w *Wheels) hurry(s *Shard) {
	for {
		plan := w.plan.Load()
		if int64(s.wanted()) >= plan {
			return
		}
		if w.plan.CompareAndSwap(plan, withdrawn) {
			(*w.wake.Load())()
			return
		}
	}
}

// earliest returns when the driver is first wanted.
func (w *Wheels) earliest() time.Duration {
	when := forever
	for _, s := range w.shards {
		when = min(when, s.wanted())
	}
	return when
}

// wanted returns when the shard wants the driver.
func (s *Shard) wanted() time.Duration {
	return later(s.next(), time.Duration(s.grace.Load()))
}

// later returns t+d, or the end of the clock if that comes before. Neither may be negative.
func later(t, d time.Duration) time.Duration {
	if t > forever-d {
		return forever
	}
	return t + d
}

// date returns the time now as something to send.
func (w *Wheels) date(now time.Duration) time.Time {
	if w.clock != nil {
		return time.Unix(0, 0).UTC().Add(now)
	}
	return time.Now()
}
