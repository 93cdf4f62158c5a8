package worker

import (
	"sync/atomic"
	"time"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/gid"
)

// A worker is a goroutine that is locked to a thread, and that thread pinned to a CPU.
//
//	trunk     the locked goroutine: it resumes fibers, one at a time (this file)
//	fiber     runs find: the scheduling loop, and the tasks (fiber.go, search.go)
//	inbox     fibers of this worker that others have made ready
type worker struct {
	proc
	cpus atomic.Pointer[affinity.Set] // those it is pinned to; empty if it is not. A spare's are those of its seat

	// Written by others.
	mail   mailbox
	inbox  atom.Pointer[fiber] // a stack, the last made ready on top
	parked atom.Uint32         // the word it sleeps on: see park
	thread atom.Int64          // its number, written under the pool's mutex; 0 before it runs
	loose  atomic.Bool         // it is not on its CPUs for now: see loose.go. Written under the pool's mutex

	// Of a spare: see standin.go. seat is the watch's to change, while it is on the bench.
	seatless atom.Bool
	kept     atom.Bool
	seat     atomic.Pointer[worker] // whose it has, or has had
	pinned   affinity.Set           // where its thread is. Guarded by the pool's mutex
	_        [128]byte

	// Written by the trunk and its fibers alone.
	suspended   atom.Count // fibers that wait or stand in the inbox. Read by others when the pool closes: see checkQuiet.
	woken       queue      // fibers whose wait is over, taken out of the inbox
	gaveWay     queue      // fibers that can go on, and have made way for those
	turns       uint32     // of takeReady
	prompts     uint32     // how many prompt tasks were taken in a row
	promptly    *fiber     // what took the prompt task that has begun last, or nil
	promptSince time.Duration
	owed        bool     // the last task was mail: other work comes first
	idle        []*fiber // fibers to run the loop on
	tick        uint32
	isSearching bool
	fruitless   bool          // the last wake found nothing, or what a timer has brought
	timed       bool          // what it has found has come by a timer
	spin        time.Duration // how long to search next time
	turned      time.Duration // when it turned the loop last
	passes      uint32        // how often it has come by the loop
	rested      uint32        // how often it has parked
	settled     time.Duration // when it thought about its CPU the last time
	restless    bool          // it has parked often lately: see loose.go
}

// idleFibers is how many fibers a worker keeps for later use.
const idleFibers = 64

// makeReady puts a fiber into the inbox and sees to it that the worker looks there. A waker that is another fiber of the worker puts
// it where the trunk would: it is awake, and takes what the trunk owns from nobody.
func (w *worker) makeReady(f *fiber) {
	if w.isHere() {
		w.suspended.Add(^uint64(0))
		w.woken.add(f)
		w.request(wantSwitch)
		return
	}
	for {
		top := w.inbox.Load()
		f.link = top
		if w.inbox.CompareAndSwap(top, f) {
			break
		}
	}
	w.request(wantSwitch)
	w.pool.wake(w)
}

// isHere reports whether the calling goroutine is the fiber that runs on the worker.
func (w *worker) isHere() bool {
	f := w.cur.Load()
	return f != nil && f.g.Load() == gid.Current()
}

// anyWoken reports whether a fiber's wait is over.
func (w *worker) anyWoken() bool { return w.woken.first != nil || w.inbox.Load() != nil }

// anyReady reports whether a fiber can go on, or there is mail.
func (w *worker) anyReady() bool { return w.anyWoken() || w.gaveWay.first != nil || w.mail.any() }

// takeReady returns the next fiber that can go on, or nil. Those whose wait is over come first, in that order, but once in a
// while one that has made way for them.
func (w *worker) takeReady() *fiber {
	w.drainInbox()
	if w.turns++; w.turns%fairTurn == 0 {
		if f := w.takeMail(); f != nil {
			return f
		}
		if f := w.gaveWay.take(); f != nil {
			return f
		}
	}
	if f := w.woken.take(); f != nil {
		return f
	}
	if j := w.nextPrompt(); j != nil {
		f := w.idleFiber()
		f.job, w.promptly = j, f
		return f
	}
	if f := w.gaveWay.take(); f != nil {
		return f
	}
	return w.takeMail()
}

// drainInbox moves the inbox to woken.
func (w *worker) drainInbox() {
	if w.inbox.Load() == nil {
		return
	}
	var first *fiber // of the inbox, in the order in which they became ready
	n := uint64(0)
	for f := w.inbox.Swap(nil); f != nil; n++ {
		f.link, first, f = first, f, f.link
	}
	w.suspended.Add(-n)
	for first != nil {
		next := first.link
		w.woken.add(first)
		first = next
	}
}

// A queue is a list of fibers, first in first out.
type queue struct{ first, last *fiber }

func (q *queue) add(f *fiber) {
	f.link = nil
	if q.first == nil {
		q.first = f
	} else {
		q.last.link = f
	}
	q.last = f
}

func (q *queue) take() *fiber {
	f := q.first
	if f != nil {
		q.first, f.link = f.link, nil
	}
	return f
}

// trunk is the worker's life on its thread.
func (w *worker) trunk() {
	for {
		w.comeBack()
		w.answer()
		f := w.takeReady()
		if f == nil {
			if w.pool.stopping.Load() {
				break
			}
			f = w.idleFiber()
		} else {
			w.endSearch() // a new worker searches, and f may be for a job: see takeReady
		}
		if w.woken.first != nil || w.pool.anyPrompt() {
			w.wanted.Or(wantSwitch) // they shall not have to wait for f's end
		}
		w.run(f)
		w.note(EventSwitch, 0, f.number())
		f.switchTo()
		switch f.status {
		case fiberIdle:
			if len(w.idle) < idleFibers {
				w.idle = append(w.idle, f)
			} else {
				f.dismiss()
			}
		case fiberGivesWay:
			w.gaveWay.add(f)
		case fiberUnwatched:
			f.waiter.Load().watchOver() // it may have been woken by now, and does not know
		case fiberSuspended, fiberJoins, fiberDead:
		}
	}
	for _, f := range w.idle {
		f.dismiss()
	}
	w.idle = nil
}

func (w *worker) idleFiber() *fiber {
	n := len(w.idle) - 1
	if n < 0 {
		return newFiber(w)
	}
	f := w.idle[n]
	w.idle[n] = nil
	w.idle = w.idle[:n]
	return f
}
