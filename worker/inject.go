package worker

import (
	"runtime"

	"github.com/pinwheel-sched/pinwheel/deque"
	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// The injector takes jobs from outside, first in first out. It is a list of blocks:
//
//	head                                             tail
//	+---------+---------+---------+---------+       +---------+---------+---------+
//	| gone    | gone    | job     | job     | ----> | job     | nil ... | nil     |
//	+---------+---------+---------+---------+       +---------+---------+---------+
//	                    ^ popped                              ^ pushed
//
// Any number of goroutines push: by a compare-and-swap of a slot from nil, and another that moves pushed past it. Who finds
// the slot taken moves pushed himself, so nobody waits for anybody. (Michael and Scott 1996 do the same with the tail of their list.)
// Workers pop, one at a time: a flag says that one does, and who finds it set comes back later rather than wait.
//
// A slot whose job was taken is not cleared but marked: whoever read pushed long ago must not find it free. A slot marked as
// closed is as good as the end of the list.
type injector struct {
	tail atom.Pointer[block] // the last block, or one before it
	_    [128]byte

	popping atom.Uint32         // 1 while somebody pops
	head    atom.Pointer[block] // changed by who pops
	backs   atom.Uint32         // length of back
	back    []*Job              // jobs put back after the end. For who pops.
	_       [128]byte
}

// blockSlots makes a block fill one of the allocator's size classes, 512 bytes.
const blockSlots = 61

type block struct {
	next   atom.Pointer[block]
	pushed atom.Uint32 // slots below are not nil
	popped atom.Uint32 // slots below are gone. Changed by who pops.
	slots  [blockSlots]atom.Pointer[Job]
}

// What slots hold besides jobs.
var goneJob, closedJob Job

func (q *injector) init() {
	b := &block{}
	q.tail.Store(b)
	q.head.Store(b)
}

// push adds a job. It fails if the injector is closed.
func (q *injector) push(j *Job) bool {
	b := q.tail.Load()
	for {
		i := b.pushed.Load()
		if i == blockSlots {
			b = q.after(b)
			continue
		}
		slot := &b.slots[i]
		if slot.CompareAndSwap(nil, j) {
			b.pushed.CompareAndSwap(i, i+1)
			return true
		}
		if slot.Load() == &closedJob {
			return false
		}
		b.pushed.CompareAndSwap(i, i+1) // the other may have been interrupted
	}
}

// after returns the block after b, which is full, and makes one if there is none.
func (q *injector) after(b *block) *block {
	next := b.next.Load()
	if next == nil {
		next = &block{}
		if !b.next.CompareAndSwap(nil, next) {
			next = b.next.Load()
		}
	}
	q.tail.CompareAndSwap(b, next)
	return next
}

// close makes later pushes fail. What was pushed before stays.
func (q *injector) close() {
	b := q.tail.Load()
	for {
		i := b.pushed.Load()
		if i == blockSlots {
			b = q.after(b)
			continue
		}
		slot := &b.slots[i]
		if slot.CompareAndSwap(nil, &closedJob) || slot.Load() == &closedJob {
			return
		}
		b.pushed.CompareAndSwap(i, i+1)
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
	if !q.begin() {
		return nil, true
	}
	j = q.take(injectorBatch, own)
	q.popping.Store(0)
	return j, false
}

// next takes the oldest job and no more. It returns nil if there is none to be had now.
func (q *injector) next() (j *Job) {
	if q.begin() {
		j = q.take(1, deque.Owner[Job]{})
		q.popping.Store(0)
	}
	return j
}

// begin sets the flag of who pops.
func (q *injector) begin() bool {
	return q.popping.Load() == 0 && q.popping.CompareAndSwap(0, 1)
}

// take takes up to most jobs, of which it returns the oldest. The others go to the taker's deque before the injector may
// be called empty: they are always in one or the other for those who look for work.
func (q *injector) take(most uint32, own deque.Owner[Job]) (oldest *Job) {
	b := q.head.Load()
	from := b.popped.Load()
	if from == blockSlots {
		next := b.next.Load()
		if next == nil {
			return q.takeBack()
		}
		b, from = next, next.popped.Load()
		q.head.Store(b)
	}
	to := min(b.pushed.Load(), from+most)
	if from == to {
		return q.takeBack()
	}
	for i := to - 1; i > from; i-- {
		own.Push(b.slots[i].Load())
	}
	oldest = b.slots[from].Load()
	for i := from; i < to; i++ {
		b.slots[i].Store(&goneJob)
	}
	b.popped.Store(to)
	return oldest
}

// empty reports whether there is nothing to pop.
func (q *injector) empty() bool {
	for b := q.head.Load(); b != nil; b = b.next.Load() {
		if popped := b.popped.Load(); popped < b.pushed.Load() {
			return false
		} else if popped < blockSlots {
			break
		}
	}
	return q.backs.Load() == 0
}

// putBack adds a job that has been taken in before, also if the injector is closed.
func (q *injector) putBack(j *Job) {
	if q.push(j) {
		return
	}
	for !q.begin() {
		atom.Yield()
		runtime.Gosched()
	}
	q.back = append(q.back, j)
	q.backs.Store(uint32(len(q.back)))
	q.popping.Store(0)
}

func (q *injector) takeBack() *Job {
	if len(q.back) == 0 {
		return nil
	}
	j := q.back[0]
	q.back = q.back[1:]
	q.backs.Store(uint32(len(q.back)))
	return j
}

// count returns about how many jobs wait, or most if they are more.
func (q *injector) count(most int) int {
	n := int(q.backs.Load())
	for b := q.head.Load(); b != nil && n < most; b = b.next.Load() {
		popped := b.popped.Load()
		n += int(b.pushed.Load() - popped)
	}
	return min(n, most)
}
