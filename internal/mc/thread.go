package mc

import (
	"fmt"
	"iter"
	"runtime/debug"
	"time"
)

// A thread is one coroutine of a run.
type thread struct {
	run    *Run
	id     int
	name   string
	daemon bool

	started bool // it has had a turn
	chosen  bool // it was given the turn elsewhere than at a point
	state   state
	dozing  bool // it has yielded, and no word has changed since

	word     uintptr       // the word of its last operation; asleep: the one that it sleeps on
	since    int           // asleep: the operation by which it went to sleep
	deadline time.Duration // asleep: when it wakes by itself
	woken    bool          // how its last sleep ended

	coroutine *coroutine
}

type state uint8

const (
	ready state = iota
	asleep
	ended
)

// forever is the deadline of a sleep without timeout.
const forever time.Duration = -1

// over is the panic that unwinds the threads of a run that is over.
type over struct{}

// failed is the panic of Fatalf.
type failed struct{ reason string }

// A coroutine runs the functions of threads, one after the other: starting a coroutine costs more than a short run.
type coroutine struct {
	job    func()
	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
}

func newCoroutine() *coroutine {
	c := &coroutine{}
	c.resume, c.stop = iter.Pull(func(yield func(struct{}) bool) {
		c.yield = yield
		for {
			c.job()
			if !yield(struct{}{}) {
				return
			}
		}
	})
	return c
}

// main runs f as the thread and notes how it ends.
func (th *thread) main(f func()) {
	defer func() {
		th.state = ended
		switch p := recover().(type) {
		case nil, over:
		case failed:
			th.run.fail(p.reason)
		default:
			th.run.fail(fmt.Sprintf("%s panicked: %v\n%s", th.name, p, debug.Stack()))
		}
	}()
	f()
}

// point lets the search give the turn to another thread. The first point after a start, a sleep or a yield is passed: to
// take the turn away there would be the same as never having given it.
func (th *thread) point() {
	if th.chosen && !th.run.over {
		th.chosen = false
		return
	}
	th.handOver(th.run.decide(th, canGoOn))
}

// pause gives up the turn until a word has changed.
func (th *thread) pause() {
	th.dozing, th.chosen = true, true
	th.handOver(th.run.decide(th, yields))
}

// sleep gives up the turn until the thread is woken, and reports whether it was.
func (th *thread) sleep(timeout time.Duration) bool {
	r := th.run
	th.state, th.chosen, th.woken, th.since, th.deadline = asleep, true, false, len(r.schedule), forever
	if timeout >= 0 {
		th.deadline = r.clock + timeout
	}
	th.handOver(r.decide(th, cannotGoOn))
	return th.woken
}

// handOver gives the turn to next and returns when it is th's again. It does not return if the run is over.
func (th *thread) handOver(next *thread) {
	r := th.run
	if next == th {
		return
	}
	if !r.over {
		r.next = next
		th.coroutine.yield(struct{}{})
	}
	if r.over {
		panic(over{})
	}
}
