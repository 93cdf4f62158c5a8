//go:build mc

package timer

import (
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/mc"
)

// A game is one run of a harness: a timer that is due, shards, and the accounts. Every start must end once: by a stop that
// returned true, by firing, or by still being pending.
type game struct {
	r       *mc.Run
	w       *Wheels
	timer   Timer
	now     time.Duration
	started int
	stopped int
	fired   int
}

func newGame(r *mc.Run, event func(g *game) event) *game {
	g := &game{r: r}
	shardsMade.Store(0)
	w, err := New(Config{Workers: 2, Now: func() time.Duration { return g.now }, Run: AtOnce})
	if err != nil {
		r.Fatalf("%v", err)
	}
	g.w = w
	r.Name(&w.plan, "plan")
	for i, s := range w.shards {
		r.Name(&s.mu.held, "lock "+string(rune('A'+i)))
		r.Name(&s.event, "event "+string(rune('A'+i)))
	}
	r.Name(&g.timer.shard, "shard of the timer")
	g.timer.event = event(g)
	r.Finally(g.check)
	return g
}

func countFires(g *game) event { return direct(func() { g.fired++ }) }

func (g *game) start(shard int, d time.Duration) {
	g.started++
	if g.timer.ResetOn(g.w.Shard(shard), d) {
		g.stopped++
	}
}

func (g *game) stop() {
	if g.timer.Stop() {
		g.stopped++
	}
}

func (g *game) check() {
	pending := g.w.Pending()
	if g.started != g.stopped+g.fired+pending {
		g.r.Fatalf("%d starts, but %d stopped, %d fired and %d pending", g.started, g.stopped, g.fired, pending)
	}
	g.now = time.Hour
	for range g.w.shards {
		g.w.Poll(g.now)
	}
	if n := g.w.Pending(); n != 0 {
		g.r.Fatalf("%d timers do not fire", n)
	}
}

func TestExploreStopAgainstFire(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3, Spurious: 1}, func(r *mc.Run) {
		g := newGame(r, countFires)
		g.start(0, 0)
		r.Go("worker", func() { g.w.Shard(0).Poll(0) })
		r.Go("driver", func() { g.w.Poll(0) })
		r.Go("stopper", g.stop)
	})
}

func TestExploreResetAgainstFire(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		g := newGame(r, countFires)
		g.start(0, 0)
		r.Go("driver", func() { g.w.Poll(0) })
		r.Go("resetter", func() { g.start(1, time.Second) })
		r.Go("stopper", g.stop)
	})
}

// Resets take the timer from shard to shard, in both directions.
func TestExploreResetsAgainstEachOther(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		g := newGame(r, countFires)
		if r.Choose(2) == 0 {
			g.start(0, time.Second)
		}
		r.Go("first", func() { g.start(1, time.Second) })
		r.Go("second", func() { g.start(0, time.Second) })
		r.Go("stopper", g.stop)
	})
}

// Two timers change places. Each move takes both locks.
func TestExploreTimersThatChangePlaces(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		g := newGame(r, countFires)
		var other Timer
		other.event = g.timer.event
		g.start(0, time.Second)
		g.started++
		other.ResetOn(g.w.Shard(1), time.Second)
		r.Go("there", func() { g.start(1, time.Second) })
		r.Go("back", func() {
			g.started++
			if other.ResetOn(g.w.Shard(0), time.Second) {
				g.stopped++
			}
		})
	})
}

// After Stop has returned, there is no value to receive; before, there is one for every firing.
func TestExploreStopAgainstReceive(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		var c *channel
		g := newGame(r, func(*game) event {
			c = &channel{c: make(chan time.Time, 1)}
			return c
		})
		g.start(0, 0)
		r.Go("driver", func() { g.w.Poll(0) })
		r.Go("receiver", func() {
			g.w.shards[2].mu.held.Load() // a point, before which others may run
			if c.drain() {
				g.fired++
			}
		})
		r.Go("stopper", func() {
			g.stop()
			if c.drain() {
				r.Fatalf("a value after Stop")
			}
		})
	})
}

func TestExploreCloseAgainstStart(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		g := newGame(r, countFires)
		r.Go("closer", func() { g.w.Close() })
		r.Go("starter", func() { g.start(0, time.Second) })
		r.Go("worker", func() { g.w.Shard(0).Poll(2 * time.Second) })
		r.Finally(func() {
			if g.fired != 1 {
				r.Fatalf("who waits for the timer is woken %d times", g.fired)
			}
		})
	})
}

// A drive is a run in which a driver sleeps, or is about to, while other threads start timers that it does not know of. A wake
// that is lost lets it sleep too long, or for ever.
type drive struct {
	r       *mc.Run
	w       *Wheels
	driver  *Driver
	timers  int           // that have not fired
	others  int           // threads that have not ended
	settled time.Duration // when the last of them ended: until then, the explorer may let any timeout run out
}

// clock is the clock of the run.
func clock() time.Duration {
	if !mc.Active() {
		return 0
	}
	return mc.Now()
}

func exploreDriver(t *testing.T, c mc.Config, timers int, harness func(d *drive)) {
	t.Helper()
	mc.Explore(t, c, func(r *mc.Run) {
		w, err := New(Config{Workers: 1, Now: clock})
		if err != nil {
			r.Fatalf("%v", err)
		}
		d := &drive{r: r, w: w, driver: &Driver{wheels: w}, timers: timers}
		w.SetWake(d.driver.wake)
		r.Name(&w.plan, "plan")
		r.Name(&d.driver.word, "driver")
		for i, s := range w.shards {
			r.Name(&s.mu.held, "lock "+string(rune('A'+i)))
			r.Name(&s.event, "event "+string(rune('A'+i)))
			r.Name(&s.grace, "grace "+string(rune('A'+i)))
		}
		harness(d)
		r.Go("driver", d.driver.drive)
	})
}

// other starts a thread besides the driver.
func (d *drive) other(name string, f func()) {
	d.others++
	d.r.Go(name, func() {
		f()
		d.others--
		d.settled = clock()
	})
}

// start starts a timer that must fire in time.
func (d *drive) start(s *Shard, after time.Duration) {
	when := clock() + after
	t := &Timer{}
	t.Init(func() {
		if late := clock() - max(when, d.settled); d.others == 0 && late >= d.w.Tick() {
			d.r.Fatalf("a timer of %v is %v late", after, late)
		}
		if d.timers--; d.timers == 0 {
			d.driver.word.Store(driverStopped)
			atom.FutexWake(&d.driver.word, 1)
		}
	})
	t.ResetAt(s, when) // ResetOn reads the clock when it has the lock, which may be later
}

func TestExploreADriverWithNothingToDoIsWoken(t *testing.T) {
	exploreDriver(t, mc.Config{Preemptions: 3}, 1, func(d *drive) {
		d.other("starter", func() { d.start(d.w.Shard(0), time.Millisecond) })
	})
}

func TestExploreADriverIsWokenForAnEarlierTimer(t *testing.T) {
	exploreDriver(t, mc.Config{Preemptions: 2, Walks: 2000}, 3, func(d *drive) {
		d.start(d.w.Shard(-1), time.Hour)
		d.other("starter", func() { d.start(d.w.Shard(0), time.Second) })
		d.other("another", func() { d.start(d.w.Shard(-1), time.Millisecond) })
	})
}

func TestExploreADriverIsWokenWhenAWorkerLeaves(t *testing.T) {
	exploreDriver(t, mc.Config{Preemptions: 3}, 1, func(d *drive) {
		s := d.w.Shard(0)
		s.Attend(time.Hour)
		d.start(s, time.Millisecond)
		d.other("worker", func() { s.Attend(0) })
	})
}

// The worker fires its timer while the driver plans for it and another.
func TestExploreAWorkerThatPollsMakesNobodyMissATimer(t *testing.T) {
	exploreDriver(t, mc.Config{Preemptions: 3}, 2, func(d *drive) {
		s := d.w.Shard(0)
		d.start(s, 0)
		d.other("worker", func() {
			s.Poll(clock())
			d.start(s, time.Millisecond)
			s.Poll(clock())
		})
	})
}
