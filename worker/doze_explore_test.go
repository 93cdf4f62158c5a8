//go:build mc

package worker

import (
	"fmt"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/mc"
)

// A loopModel is an event loop of one timer and one descriptor. Each has a job that is handed over as a prompt one, when the timer is
// due and when the descriptor becomes ready.
type loopModel struct {
	g       *play
	watches bool // workers may sleep in it

	due   time.Duration // of the timer
	armed atom.Uint32   // 1: it has not fired
	timer *Job

	bell    atom.Uint32 // counts what Watch sleeps on: edges and calls of Rouse
	ready   bool        // the descriptor; changes together with the bell
	socket  *Job
	watcher atom.Pointer[atom.Uint32]
	held    atom.Uint32
}

func (l *loopModel) prompt(j *Job) {
	l.g.pool.looper.prompt.push(j)
	l.g.pool.notify(nil)
}

func (l *loopModel) Turn(_ int, now time.Duration) (due, ready bool) {
	if l.timer != nil && now >= l.due && l.armed.CompareAndSwap(1, 0) {
		l.prompt(l.timer)
		due = true
	}
	return due, l.take()
}

// take delivers the edge of the descriptor, if nobody has.
func (l *loopModel) take() bool {
	l.bell.Load()
	if !l.ready {
		return false
	}
	l.ready = false
	l.prompt(l.socket)
	return true
}

func (l *loopModel) Rest(int) time.Duration {
	if l.timer != nil && l.armed.Load() != 0 {
		return l.due
	}
	return forever
}

func (l *loopModel) Watch(word *atom.Uint32, until time.Duration) (watched, found bool) {
	if !l.watches || !l.held.CompareAndSwap(0, 1) {
		return false, false
	}
	timeout := time.Duration(-1)
	if until != forever {
		timeout = max(until-atom.Now(), 0)
	}
	l.watcher.Store(word)
	if seen := l.bell.Load(); word.Load() == 0 && !l.ready && timeout != 0 {
		atom.FutexWait(&l.bell, seen, timeout)
	}
	l.watcher.Store(nil)
	l.bell.Load()
	if l.ready {
		l.ready = false
		return true, true
	}
	l.held.Store(0)
	return true, false
}

func (l *loopModel) Deliver() {
	l.prompt(l.socket)
	l.held.Store(0)
}

func (l *loopModel) Rouse(word *atom.Uint32) {
	if l.watcher.Load() == word {
		l.bell.Add(1)
		atom.FutexWake(&l.bell, 1)
	}
}

func (l *loopModel) Rise(int, *atom.Uint32) {}
func (l *loopModel) Close()                 {}

// arrive makes the descriptor ready. Where no worker sleeps in the loop, a thread does, which delivers it.
func (l *loopModel) arrive() {
	l.bell.Add(1)
	l.ready = true
	atom.FutexWake(&l.bell, 1)
	if !l.watches {
		l.take()
	}
}

// exploreDozing explores what workers do that sleep in a loop, or on their words beside one, each with a timeout or without one. Job 0 is the
// timer's and 1 the descriptor's, and any other is submitted.
func exploreDozing(t *testing.T, workers, jobs, preemptions int, restless bool) {
	for _, watches := range []bool{true, false} {
		t.Run(fmt.Sprintf("in the loop=%t", watches), func(t *testing.T) {
			mc.Explore(t, mc.Config{Preemptions: preemptions, Spurious: 1, Walks: 2000}, func(r *mc.Run) {
				g := newPlay(workers, jobs)
				l := &loopModel{g: g, watches: watches, due: time.Millisecond, timer: &g.jobs[0]}
				l.armed.Store(1)
				g.pool.looper.make = func() (Loop, error) { return nil, ErrClosed }
				var loop Loop = l
				g.pool.looper.loop.Store(&loop)
				r.Name(&l.bell, "bell")
				r.Name(&l.watcher, "watcher")
				r.Name(&g.pool.state, "state")
				for _, w := range g.pool.workers {
					r.Name(&w.parked, "parked")
					w.restless = restless
				}
				for _, w := range g.pool.workers {
					r.Daemon("worker", func() { g.work(w) })
				}
				if jobs > 1 {
					l.socket = &g.jobs[1]
					r.Go("arrival", l.arrive)
				}
				for i := 2; i < jobs; i++ {
					r.Go("submitter", func() { g.submit(i) })
				}
				r.Go("end", func() { // so that the clock moves until the timer has fired
					for n := g.done.Load(); int(n) < jobs; n = g.done.Load() {
						atom.FutexWait(&g.done, n, -1)
					}
				})
				r.Finally(func() {
					g.check(r)
					if s := g.pool.state.Load(); awake(s) != 0 || searching(s) != 0 {
						r.Fatalf("%d awake and %d searching in the end", awake(s), searching(s))
					}
				})
			})
		})
	}
}

// A worker gets up for its timer, and for nothing else.
func TestExploreDozingUntilATimer(t *testing.T) { exploreDozing(t, 1, 1, 2, false) }

// A descriptor becomes ready while a worker goes to sleep, sleeps, or gets up for its timer.
func TestExploreDozingAgainstArriving(t *testing.T) { exploreDozing(t, 1, 2, 1, false) }

// A job is submitted besides: whoever wakes the worker, and however it gets up by itself, it is counted once.
func TestExploreDozingAgainstSubmitting(t *testing.T) { exploreDozing(t, 1, 3, 1, false) }

// Two workers doze. One of them has the watch.
func TestExploreTwoThatDoze(t *testing.T) { exploreDozing(t, 2, 2, 1, false) }

// The same two, of which one naps if the other is awake.
func TestExploreTwoThatDozeAndNap(t *testing.T) { exploreDozing(t, 2, 2, 1, true) }
