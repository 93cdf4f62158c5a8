package timer

import (
	"math"
	"testing"
	"time"
)

// starts are clocks at which the digits of now are interesting.
func starts(tick time.Duration) []time.Duration {
	list := []time.Duration{0, 1, tick - 1, tick, 12345*tick + 678}
	for level := range levels {
		list = append(list, tick<<(digit*level)-1, tick<<(digit*level))
	}
	return list
}

// checkFires starts a timer in wheels that stand at now, and checks that it fires at its deadline, neither before nor more than a
// tick after. step moves the clock to a time.
func checkFires(t *testing.T, now, d time.Duration, step func(w *Wheels, clock *Fake, to time.Duration)) {
	t.Helper()
	w, clock := newFake(t, 0, now)
	fired := false
	w.Shard(0).AfterFunc(d, func() { fired = true })
	due := later(now, max(0, d))
	if due > now {
		step(w, clock, due-1)
		if fired {
			t.Fatalf("at %d, a timer of %d fires early", now, d)
		}
	}
	step(w, clock, due+w.Tick()-1)
	if !fired {
		t.Fatalf("at %d, a timer of %d does not fire within a tick", now, d)
	}
	if n := w.Pending(); n != 0 {
		t.Fatalf("at %d, a timer of %d has fired and is pending", now, d)
	}
}

func TestTimersOfEveryLevelsBoundaryAreOnTime(t *testing.T) {
	const tick = DefaultTick
	steps := map[string]func(w *Wheels, clock *Fake, to time.Duration){
		"in one go":                func(w *Wheels, clock *Fake, to time.Duration) { clock.Jump(w, to-clock.Now()) },
		"whenever there is to do":  func(w *Wheels, clock *Fake, to time.Duration) { clock.Advance(w, to-clock.Now()) },
		"in steps that are random": randomSteps(t),
	}
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			for level := range levels {
				for _, n := range []time.Duration{1, 2, slots - 1, slots} {
					if level == levels-1 && n > 20 {
						continue // beyond the clock
					}
					for _, ticks := range []time.Duration{-1, 0, 1} {
						for _, ns := range []time.Duration{-1, 0, 1} {
							for _, now := range starts(tick) {
								checkFires(t, now, (n<<(digit*level)+ticks)*tick+ns, step)
							}
						}
					}
				}
			}
		})
	}
}

func randomSteps(t *testing.T) func(w *Wheels, clock *Fake, to time.Duration) {
	r := seeded(t)
	return func(w *Wheels, clock *Fake, to time.Duration) {
		for clock.Now() < to {
			left := to - clock.Now()
			clock.Jump(w, min(left, 1+time.Duration(r.Int64N(int64(left)))))
		}
	}
}

func TestAnyDurationIsAccepted(t *testing.T) {
	const tick = DefaultTick
	jump := func(w *Wheels, clock *Fake, to time.Duration) { clock.Jump(w, to-clock.Now()) }
	for _, now := range starts(tick) {
		for _, d := range []time.Duration{math.MinInt64, math.MinInt64 + 1, -time.Hour, -1, 0, 1, tick - 1, tick, tick + 1, time.Hour, 1 << 60} {
			checkFires(t, now, d, jump)
		}
	}
	for _, d := range []time.Duration{math.MinInt64, -1, 0} {
		w, clock := newFake(t, 0, 0)
		fired := 0
		w.Shard(0).AfterFunc(d, func() { fired++ })
		if clock.Jump(w, 0); fired != 1 {
			t.Errorf("a timer of %d is not due at once", d)
		}
	}
}

func TestDeadlinesBeyondTheEndOfTheClockNeverCome(t *testing.T) {
	for _, tick := range []time.Duration{MinTick, DefaultTick, MaxTick} {
		for _, now := range []time.Duration{0, 1, time.Hour, math.MaxInt64 / 2, math.MaxInt64 - time.Hour} {
			clock := &Fake{}
			clock.now.Store(int64(now))
			w, err := New(Config{Now: clock.Now, Tick: tick})
			if err != nil {
				t.Fatal(err)
			}
			s := w.Shard(0)
			fired := 0
			for _, d := range []time.Duration{math.MaxInt64, math.MaxInt64 - 1, math.MaxInt64 - now} {
				timer := &Timer{}
				timer.Init(func() { fired++ })
				timer.ResetOn(s, d)
			}
			stopped := s.AfterFunc(math.MaxInt64, func() {})
			for range 100 {
				clock.Advance(w, (math.MaxInt64-1-w.Tick()-clock.Now())/10)
			}
			if fired != 0 {
				t.Errorf("tick %v, at %d: %d timers fired before the end of the clock", tick, now, fired)
			}
			if !stopped.Stop() || w.Pending() != 3 {
				t.Errorf("tick %v, at %d: such a timer cannot be stopped; %d are pending", tick, now, w.Pending())
			}
		}
	}
}

func TestTheNextEventIsTheDeadlineOfTheFirstTimer(t *testing.T) {
	w, clock := newFake(t, 1, time.Hour)
	if when, ok := w.Next(); ok {
		t.Errorf("without timers, something is to be done at %v", when)
	}
	for _, d := range []time.Duration{365 * 24 * time.Hour, time.Hour, time.Minute, time.Second, time.Millisecond} {
		w.Shard(0).AfterFunc(d, func() {})
		when, ok := w.Next()
		if late := when - clock.Now() - d; !ok || late < 0 || late >= w.Tick() {
			t.Errorf("Next is %v after a timer of %v, %v", late, d, ok)
		}
	}
	if n := clock.Advance(w, 400*24*time.Hour); n != 5 {
		t.Errorf("%d timers have fired, not 5", n)
	}
}

// A driver should not wake to move timers from level to level.
func TestALoneTimerCostsOneWake(t *testing.T) {
	w, clock := newFake(t, 0, 12345678)
	fired := false
	w.Shard(0).AfterFunc(24*time.Hour, func() { fired = true })
	wakes := 0
	for when, ok := w.Next(); ok; when, ok = w.Next() {
		clock.now.Store(int64(when))
		w.Poll(when)
		wakes++
	}
	if wakes != 1 || !fired {
		t.Errorf("%d wakes; fired: %v", wakes, fired)
	}
}

func TestAConfigurationOutOfRangeIsRefused(t *testing.T) {
	for _, c := range []Config{{Workers: -1}, {Tick: -1}, {Tick: 1}, {Tick: MinTick - 1}, {Tick: MaxTick + 1}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	for _, tick := range []time.Duration{0, MinTick, 123456, MaxTick} {
		w, err := New(Config{Tick: tick})
		if err != nil {
			t.Fatal(err)
		}
		if tick == 0 {
			tick = DefaultTick
		}
		if got := w.Tick(); got != tick {
			t.Errorf("asked for a tick of %v, got %v", tick, got)
		}
	}
}

// Callbacks that are due together are handed over together, as far as one poll goes.
func TestWhatIsDueTogetherIsHandedOverTogether(t *testing.T) {
	var handed []int
	var clock Fake
	w, err := New(Config{Workers: 1, Now: clock.Now, Run: func(fs []func()) {
		handed = append(handed, len(fs))
		AtOnce(fs)
	}})
	if err != nil {
		t.Fatal(err)
	}
	const n = pollBatch*pollTurns - 1
	ran := 0
	for range n {
		w.Shard(0).AfterFunc(time.Millisecond, func() { ran++ })
	}
	if clock.Advance(w, time.Second); ran != n || len(handed) != 1 {
		t.Errorf("%d callbacks ran of %d, handed over as %v", ran, n, handed)
	}
}

// A worker that is about to rest learns when its next timer is due, and not when one was that has been stopped.
func TestARestingWorkerIsNotWokenForWhatWasStopped(t *testing.T) {
	w, _ := newFake(t, 1, time.Hour)
	s := w.Shard(0)
	s.AfterFunc(time.Second, func() {})
	later, _ := s.Next()
	s.AfterFunc(time.Millisecond, func() {}).Stop()
	s.Attend(time.Millisecond)
	if when, ok := s.Next(); !ok || when != later {
		t.Errorf("the next timer is said to be due at %v, %v; want %v", when, ok, later)
	}
}
