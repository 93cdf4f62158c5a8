package worker

import (
	"time"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// A worker is a goroutine that is locked to a thread, and that thread pinned to a CPU.
//
//	trunk     the locked goroutine: it resumes fibers, one at a time (this file)
//	fiber     runs find: the scheduling loop, and the tasks (fiber.go, search.go)
//	inbox     fibers of this worker that others have made ready
type worker struct {
	proc
	cpus affinity.Set // those it is pinned to; empty if it is not

	// Written by others.
	inbox  atom.Pointer[fiber] // a stack, the last made ready on top
	parked atom.Uint32         // the word it sleeps on: see park
	_      [128]byte

	// Written by the trunk and its fibers alone.
	suspended   atom.Int64 // fibers that wait or stand in the inbox. Read by others when the pool closes.
	readyHead   *fiber     // fibers to resume, in order
	readyTail   *fiber
	idle        []*fiber // fibers to run the loop on
	tick        uint32
	isSearching bool
	fruitless   bool          // the last wake found nothing
	spin        time.Duration // how long to search next time
}

// idleFibers is how many fibers a worker keeps for later use.
const idleFibers = 64

// makeReady puts a fiber into the inbox and sees to it that the worker looks there.
func (w *worker) makeReady(f *fiber) {
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

// anyReady reports whether a fiber of the worker is ready.
func (w *worker) anyReady() bool { return w.readyHead != nil || w.inbox.Load() != nil }

// takeReady returns the next ready fiber, in the order in which they became ready, or nil.
func (w *worker) takeReady() *fiber {
	if w.inbox.Load() != nil {
		var last, first *fiber // the inbox in reverse
		n := int64(0)
		for f := w.inbox.Swap(nil); f != nil; n++ {
			next := f.link
			if first == nil {
				last = f
			}
			f.link, first = first, f
			f = next
		}
		w.suspended.Add(-n)
		w.appendReady(first, last)
	}
	f := w.readyHead
	if f == nil {
		return nil
	}
	if w.readyHead = f.link; w.readyHead == nil {
		w.readyTail = nil
	}
	f.link = nil
	return f
}

func (w *worker) appendReady(first, last *fiber) {
	if w.readyTail == nil {
		w.readyHead = first
	} else {
		w.readyTail.link = first
	}
	w.readyTail = last
}

// trunk is the worker's life on its thread.
func (w *worker) trunk() {
	for {
		f := w.takeReady()
		if f == nil {
			if w.pool.stopping.Load() {
				break
			}
			f = w.idleFiber()
		}
		w.run(f)
		f.switchTo()
		switch f.status {
		case fiberIdle:
			if len(w.idle) < idleFibers {
				w.idle = append(w.idle, f)
			} else {
				w.pool.unregister(f)
				f.stop()
			}
		case fiberGivesWay:
			w.appendReady(f, f)
		case fiberDead:
			w.pool.unregister(f)
		case fiberSuspended, fiberJoins:
		}
	}
	for _, f := range w.idle {
		f.stop()
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
