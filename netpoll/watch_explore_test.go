//go:build mc && linux && !pinwheel_portable

package netpoll

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/mc"
	"github.com/pinwheel-sched/pinwheel/timer"
)

// A vigil is one run of the protocol by which the poller's thread and the workers share the watch. Workers sleep, are woken, and then
// compute for ever, which for the poller is the same as to end. Whatever arrives must be delivered, and every timer fire. When all
// of that has happened the poller is closed, and all threads end: one that sleeps too long shows as a deadlock.
type vigil struct {
	r    *mc.Run
	p    *Poller
	left int // what has not been delivered and not fired
}

// clock is that of the run.
func clock() time.Duration {
	if !mc.Active() {
		return 0
	}
	return mc.Now()
}

// newVigil starts the thread. It has the watch, or has lost it to whoever comes first.
func newVigil(r *mc.Run, watch uint32) *vigil {
	v := newRest(r)
	v.p.watch.Store(watch)
	v.p.begin(v.run)
	return v
}

// run starts the thread.
func (v *vigil) run() {
	v.r.Go("thread", func() { v.p.drive(make([]unix.EpollEvent, 4)) })
}

// newRest makes a poller whose thread has not been started.
func newRest(r *mc.Run) *vigil {
	wheels, err := timer.New(timer.Config{Workers: 1, Now: clock})
	if err != nil {
		r.Fatalf("%v", err)
	}
	p := &Poller{wheels: wheels}
	p.init()
	wheels.SetWake(p.wake)
	p.holds.Store(10)
	p.batch, p.caught = make([]unix.EpollEvent, 4), make([]unix.EpollEvent, 4)
	p.watch.Store(watchThread)
	for name, word := range map[string]any{
		"told": &p.told, "watch": &p.watch, "watcher": &p.watcher, "quiet": &p.quiet, "polls": &p.polls,
		"mode": &p.mode, "wanted": &p.wanted, "closing": &p.closing, "epoll": &p.set.news,
	} {
		r.Name(word, name)
	}
	return &vigil{r: r, p: p}
}

// done says that something has been delivered or has fired.
func (v *vigil) done() {
	if v.left--; v.left < 0 {
		v.r.Fatalf("an event has come twice")
	}
	if v.left == 0 {
		v.p.closing.Store(true)
		v.p.kick()
	}
}

// goal makes it a sink.
type goal struct {
	source
	v *vigil
}

func (g *goal) ready(uint32) { g.v.done() }
func (g *goal) orphan()      {}

// arrivals starts a thread that makes descriptors ready.
func (v *vigil) arrivals(fds ...int) {
	v.left += len(fds)
	goals := make([]goal, len(fds))
	for i, fd := range fds {
		goals[i].v = v
		v.p.enter(&goals[i].source, fd, &goals[i])
	}
	v.r.Go("arrivals", func() {
		for i := range goals {
			v.p.set.arrive(unix.EpollEvent{Events: unix.EPOLLIN, Fd: goals[i].fd, Pad: int32(goals[i].gen)})
		}
	})
}

// workers starts workers that sleep some times, each time until they are woken or have found something, as worker.doze does, and a
// thread that wakes them in turn.
func (v *vigil) workers(n, sleeps int) {
	words := make([]atom.Uint32, n)
	for i := range words {
		word := &words[i]
		v.r.Name(word, fmt.Sprintf("word %d", i))
		v.r.Go("worker", func() {
			for range sleeps {
				v.doze(word, forEver)
				word.Store(0)
			}
		})
	}
	v.r.Go("waker", func() {
		for range sleeps {
			for i := range words {
				v.wake(&words[i])
			}
			for i := range words {
				for words[i].Load() != 0 && !v.p.closing.Load() {
					atom.Yield()
				}
			}
		}
	})
}

// doze sleeps on a word that is 0, and returns when it is not, or all is over.
func (v *vigil) doze(word *atom.Uint32, until time.Duration) {
	for word.Load() == 0 && !v.p.closing.Load() {
		watched, found := v.p.Watch(word, until)
		if found {
			v.p.Deliver()
		}
		if !watched {
			atom.FutexWait(word, 0, -1)
		}
		v.p.Rise(word)
	}
}

func (v *vigil) wake(word *atom.Uint32) {
	word.Store(1)
	atom.FutexWake(word, 1)
	v.p.Rouse(word)
}

// start starts a timer on a shard that must fire in time, by a punctual clock: grace says how late it may be.
func (v *vigil) start(s *timer.Shard, after, grace time.Duration) {
	when := clock() + after
	t := &timer.Timer{}
	t.Init(func() {
		if late := clock() - when; late >= grace+v.p.wheels.Tick() {
			v.r.Fatalf("a timer of %v is %v late", after, late)
		}
		v.done()
	})
	t.ResetAt(s, when)
}

// starter starts a thread that starts a timer.
func (v *vigil) starter(s *timer.Shard, after, grace time.Duration) {
	v.left++
	v.r.Go("starter", func() { v.start(s, after, grace) })
}

// fromAll explores from each state that the thread can begin in.
func fromAll(t *testing.T, c mc.Config, harness func(v *vigil)) {
	for name, watch := range map[string]uint32{"with the watch": watchThread, "without": watchFree} {
		t.Run(name, func(t *testing.T) {
			mc.Explore(t, c, func(r *mc.Run) { harness(newVigil(r, watch)) })
		})
	}
}

// Something arrives while a worker goes to sleep, sleeps, gets up or computes. (With two preemptions, a million runs and more for each of
// these, they hold too; that takes minutes: MC_PREEMPTIONS=2.)
func TestExploreWatchAgainstArriving(t *testing.T) {
	fromAll(t, mc.Config{Preemptions: 1, Walks: 2000}, func(v *vigil) {
		v.workers(1, 2)
		v.arrivals(1)
	})
}

// Two workers, of which one gets the watch.
func TestExploreWatchOfTwoWorkers(t *testing.T) {
	fromAll(t, mc.Config{Preemptions: 0, Walks: 20_000}, func(v *vigil) {
		v.workers(2, 1)
		v.arrivals(1)
	})
}

// More than one thing arrives: each edge is reported once, whoever is told of it.
func TestExploreWatchAgainstTwoArrivals(t *testing.T) {
	fromAll(t, mc.Config{Preemptions: 1, Walks: 2000}, func(v *vigil) {
		v.workers(1, 1)
		v.arrivals(1, 2)
	})
}

// A worker polls without waiting, and finds the eventfd among what is ready, by which the thread is told of a timer.
func TestExploreWatchAndAWorkerThatPolls(t *testing.T) {
	fromAll(t, mc.Config{Preemptions: 2, Punctual: true}, func(v *vigil) {
		v.r.Go("worker", func() {
			v.p.Poll()
			v.p.Poll()
		})
		v.starter(v.p.wheels.Shard(-1), time.Millisecond, 0)
	})
}

// A timer is started that is due before what the thread waits for.
func TestExploreWatchAgainstAnEarlierTimer(t *testing.T) {
	fromAll(t, mc.Config{Preemptions: 1, Walks: 2000, Punctual: true}, func(v *vigil) {
		v.left++
		v.start(v.p.wheels.Shard(-1), time.Hour, 0)
		v.workers(1, 1)
		v.starter(v.p.wheels.Shard(-1), time.Second, 0)
	})
}

// A timer is due before the thread, which does not have the watch, looks whether somebody polls.
func TestExploreWatchAgainstATimerThatIsDueSoon(t *testing.T) {
	fromAll(t, mc.Config{Preemptions: 1, Walks: 2000, Punctual: true}, func(v *vigil) {
		v.workers(1, 1)
		v.starter(v.p.wheels.Shard(-1), guardSoon/4, 0)
	})
}

// The worker that sleeps until its next timer is the one that another starts an earlier timer for. The thread leaves that to the worker
// for a grace, and then fires it.
func TestExploreWatchAgainstAnEarlierTimerOfTheWorker(t *testing.T) {
	const grace = 500 * time.Microsecond
	fromAll(t, mc.Config{Preemptions: 2, Punctual: true}, func(v *vigil) {
		s := v.p.wheels.Shard(0)
		word := new(atom.Uint32)
		v.r.Go("worker", func() {
			s.Attend(grace)
			until, _ := s.Next()
			if watched, found := v.p.Watch(word, until); found {
				v.p.Deliver()
			} else if !watched {
				atom.FutexWait(word, 0, until-clock())
			}
			s.Leave()
			v.p.Rise(word)
			s.Poll(clock())
		})
		v.left++
		v.start(s, time.Hour, grace)
		v.starter(s, time.Millisecond, grace)
	})
}

// A timer is started while somebody starts the thread because of an earlier one.
func TestExploreWatchThatBegins(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 2, Punctual: true}, func(r *mc.Run) {
		v := newRest(r)
		v.p.wheels.SetWake(func() {
			if v.p.phase.Load() == pollerRunning { // otherwise it would be left to who starts the thread
				v.p.kick()
			}
		})
		v.p.wheels.Next() // as in New
		v.r.Go("first", func() { v.p.begin(v.run) })
		v.starter(v.p.wheels.Shard(-1), time.Millisecond, 0)
	})
}

// A poller is closed while a timer is started, and while a worker that sleeps with the watch is woken: nobody writes to the eventfd's number
// when it has been given back.
func TestExploreWatchAgainstClosing(t *testing.T) {
	fromAll(t, mc.Config{Preemptions: 1, Walks: 2000}, func(v *vigil) {
		p := v.p
		p.holds.Store(2) // something is registered, or else nobody would sleep with the watch
		var word, over atom.Uint32
		v.r.Go("worker", func() {
			v.doze(&word, forEver)
			over.Store(1)
		})
		v.r.Go("waker", func() { v.wake(&word) })
		v.r.Go("starter", p.wake)
		v.r.Go("closer", func() { // as shut, with the end of the thread taken from the watch
			p.phase.Store(pollerClosed)
			p.closing.Store(true)
			p.unhold() // what is registered
			p.ring()
			p.kick()
			for over.Load() == 0 || p.watch.Load() != watchFree {
				atom.Yield()
			}
			p.unhold()
			for p.holds.Load() != 0 || !p.watch.CompareAndSwap(watchFree, watchClosed) {
				atom.Yield()
			}
			p.set.close()
		})
	})
}
