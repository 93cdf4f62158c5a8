package worker

import (
	"runtime"

	"github.com/pinwheel-sched/pinwheel/deque"
	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// The injector takes jobs from outside, first in first out. Any number of goroutines push, by one compare-and-swap on a
// stack; workers pop from a list, which is refilled by taking the whole stack and turning it round. A flag guards the list;
// who finds it taken comes back later rather than wait.
type injector struct {
	pushed atom.Pointer[Job] // the stack; &closedJob when closed
	_      [128]byte
	taken  atom.Uint32 // 1 while somebody works on the list
	listed atom.Uint32 // 1 if the list is not empty
	list   *Job
	_      [128]byte
}

// closedJob is on top of the stack of a closed injector.
var closedJob Job

// push adds a job. It fails if the injector is closed.
func (q *injector) push(l *Job) bool {
	for {
		top := q.pushed.Load()
		if top == &closedJob {
			return false
		}
		l.next = top
		if q.pushed.CompareAndSwap(top, l) {
			return true
		}
	}
}

// injectorBatch is how many jobs a worker takes at once, at most.
const injectorBatch = 16

// pop takes the oldest job, and moves some more to the taker's deque, so that the next one pops its deque in the same order:
// the youngest of them go in first. If there is none to be had now, busy says that there may be one soon.
func (q *injector) pop(own deque.Owner[Job]) (j *Job, busy bool) {
	if q.empty() {
		return nil, false
	}
	if q.taken.Load() != 0 || !q.taken.CompareAndSwap(0, 1) {
		return nil, true
	}
	l := q.refill()
	var batch [injectorBatch]*Job
	n := 0
	for ; l != nil && n < len(batch); n++ {
		batch[n] = l
		l, l.next = l.next, nil
	}
	for i := n - 1; i > 0; i-- {
		own.Push(batch[i]) // before the list may be called empty
	}
	q.setList(l)
	q.taken.Store(0)
	return batch[0], false
}

// next takes the oldest job and no more. It returns nil if there is none to be had now.
func (q *injector) next() *Job {
	if q.taken.Load() != 0 || !q.taken.CompareAndSwap(0, 1) {
		return nil
	}
	l := q.refill()
	if l != nil {
		q.setList(l.next)
		l.next = nil
	}
	q.taken.Store(0)
	return l
}

// refill returns the list, after it has moved the stack there if it was empty. The caller has the flag, and sets the list.
func (q *injector) refill() *Job {
	l := q.list
	if l == nil {
		if top := q.pushed.Load(); top != nil && top != &closedJob {
			q.listed.Store(1) // first: empty must not be true while the jobs are on their way to the list
			l = turn(q.pushed.Swap(nil))
		}
	}
	return l
}

func (q *injector) setList(l *Job) {
	q.list = l
	if l != nil && q.listed.Load() == 0 {
		q.listed.Store(1)
	} else if l == nil && q.listed.Load() == 1 {
		q.listed.Store(0)
	}
}

// turn reverses a list.
func turn(l *Job) (first *Job) {
	for l != nil {
		l.next, first, l = first, l, l.next
	}
	return first
}

// empty reports whether there is nothing to pop.
func (q *injector) empty() bool {
	top := q.pushed.Load()
	return (top == nil || top == &closedJob) && q.listed.Load() == 0
}

// close makes later pushes fail. What was pushed before stays.
func (q *injector) close() {
	q.lock()
	q.listed.Store(1)
	if top := q.pushed.Swap(&closedJob); top != nil && top != &closedJob {
		q.appendList(turn(top))
	}
	q.setList(q.list)
	q.taken.Store(0)
}

// putBack adds a job that has been taken in before, also if the injector is closed.
func (q *injector) putBack(j *Job) {
	if q.push(j) {
		return
	}
	q.lock()
	j.next = nil
	q.appendList(j)
	q.setList(q.list)
	q.taken.Store(0)
}

// lock takes the list, for the rare cases that cannot come back later.
func (q *injector) lock() {
	for !q.taken.CompareAndSwap(0, 1) {
		atom.Yield()
		runtime.Gosched()
	}
}

func (q *injector) appendList(l *Job) {
	last := &q.list
	for *last != nil {
		last = &(*last).next
	}
	*last = l
}

// count returns how many jobs wait, or most if they are more. It keeps takers waiting meanwhile.
func (q *injector) count(most int) (n int) {
	if q.empty() {
		return 0
	}
	q.lock()
	defer q.taken.Store(0)
	for _, l := range [...]*Job{q.list, q.pushed.Load()} { // while the flag is taken, jobs are only added on top
		for ; l != nil && l != &closedJob && n < most; n++ {
			l = l.next
		}
	}
	return n
}
