package sched

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/future"
)

// A consumer that waits for more than the next result gets what is there once it has waited for long enough, and not before.
func TestStreamNudge(t *testing.T) {
	f := newFlow()
	for _, c := range []struct {
		since, now time.Duration
		want       bool
	}{{0, time.Hour, false}, {1, gulpPatience, false}, {1, gulpPatience + 1, true}} {
		f.results.announce()
		f.since.Store(int64(c.since))
		if got := f.nudge(c.now); got != c.want {
			t.Errorf("waiting since %v, nudged at %v: rang: %v, want %v", c.since, c.now, got, c.want)
		}
		if rung := f.results.waiter.Load() == nil; rung != c.want {
			t.Errorf("waiting since %v, nudged at %v: woken: %v, want %v", c.since, c.now, rung, c.want)
		}
	}
}

// A gulp is a stream whose consumer is made to wait for eight results at once, of which the last is slow: it comes when the loop
// has the seven before it. The test moves the time at which the consumer began to wait, so that no clock decides what happens.
type gulp struct {
	timer bool // the consumer sets its timer
	flow  *flow
	begun atomic.Int32
	some  *future.Promise[int] // all items wait for it but the slow one
	slow  *future.Promise[int]
	more  chan int
	ended chan struct{}
}

const (
	gulpSlow  = 7  // the number of the slow item
	gulpItems = 16 // that is how many are known to have been pulled
)

// consume runs the stream, and returns how many results it had. During the consumer's wait, when all
// items have begun, it calls during.
func (g *gulp) consume(t *testing.T, during func()) (n int) {
	_, ctx := newScheduler(t, WithWorkers(2))
	g.some, g.slow = future.NewPromise[int](), future.NewPromise[int]()
	g.more, g.ended = make(chan int), make(chan struct{})
	s := newStage("Stream", func(t *Task, x int) (int, error) {
		g.begun.Add(1)
		wait := g.some
		if x == gulpSlow {
			wait = g.slow
		}
		_, err := wait.Future().Await(t)
		return x, err
	}, []StreamOption{Window(10 * gulpItems)})
	s.ctx = ctx
	pulled := make(chan struct{})
	s.pull = func(_ *flow, push func(int, error) bool) {
		for i := range gulpItems {
			push(i, nil)
		}
		close(pulled)
		for {
			select {
			case i := <-g.more:
				push(i, nil)
			case <-g.ended:
				return
			}
		}
	}
	g.flow = newFlow()
	out, page := newOutlet[int](g.flow)
	out.gulp = gulpSlow + 1
	if !g.timer {
		out.armed.Store(1) // as if it ran
	}
	go g.flow.source(func() { s.drive(g.flow, out) })
	<-pulled

	returned := make(chan struct{})
	go func() {
		defer close(returned)
		for g.flow.since.Load() == 0 || g.begun.Load() < gulpItems { // all, each in a task of its own
			runtime.Gosched()
		}
		during()
	}()
	out.consume(page, func(x int, err error) bool {
		if err != nil || x != n {
			t.Errorf("result %d is %d, %v", n, x, err)
		}
		if n++; n == gulpSlow {
			g.slow.TryResolve(0)
			close(g.ended)
		}
		return true
	})
	<-returned
	return n
}

// idle waits until so many items have begun, and nothing runs any more but the source and the slow item. No task is going to ring
// then.
func (g *gulp) idle(items int32) {
	for g.begun.Load() < items || g.flow.live.Load()&^flowStopped > 2 {
		runtime.Gosched()
	}
}

// Times at which the consumer may have begun to wait.
const (
	longAgo = -time.Hour
	notLong = 1000 * time.Hour // in the future: nobody thinks that the consumer has waited for long
)

func (g *gulp) waitsSince(when time.Duration) { g.flow.since.Store(int64(when)) }

// A task that has dealt with some other item tells the consumer of the results before a slow one. There is no timer.
func TestATaskTellsTheConsumerOfResultsBeforeASlowOne(t *testing.T) {
	var g gulp
	n := g.consume(t, func() {
		defer g.slow.TryResolve(0) // the end, whatever happened
		w := g.flow.results.waiter.Load()
		g.waitsSince(notLong)
		g.some.Resolve(0)
		g.idle(gulpItems)
		if g.flow.results.waiter.Load() != w {
			t.Error("the consumer was woken though it had not waited for long")
			return
		}
		g.waitsSince(longAgo)
		g.more <- gulpItems
		g.idle(gulpItems + 1)
		if g.flow.results.waiter.Load() == w {
			t.Error("a task has dealt with an item, and the consumer still waits")
		}
	})
	if n != gulpItems+1 && !t.Failed() {
		t.Errorf("%d results, want %d", n, gulpItems+1)
	}
}

// If no task does, the timer tells the consumer. If that does not either, there is no end.
func TestATimerTellsTheConsumerOfResultsBeforeASlowOne(t *testing.T) {
	g := gulp{timer: true}
	n := g.consume(t, func() {
		g.waitsSince(notLong)
		g.some.Resolve(0)
		g.idle(gulpItems)
		g.waitsSince(longAgo)
	})
	if n != gulpItems {
		t.Errorf("%d results, want %d", n, gulpItems)
	}
}
