package worker

import (
	"unsafe"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// The fork stack of a fiber is a stack of segments, each a run of slots of one kind:
//
//	segs[0]                segs[1]              segs[cur]
//	+----+----+----+---    +----+----+---       +----+----+----+----+---+
//	| E  | E  | P  | free  | P  | P  | free     | P  | P  | free ...| 0 |
//	+----+----+----+---    +----+----+---       +----+----+----+----+---+
//	          ^ mark                                      ^ top      ^ sentinel
//
// Slots below mark have been exposed to thieves (E), those from mark to top are private (P), and only their fiber knows of
// them. Forks push at top and joins pop there; exposure moves mark up, oldest fork first; a join that reaches an exposed
// slot reclaims it and moves mark down.
//
// The last slot of a segment is a sentinel, with a key that no kind has. It makes a fork on a full segment take the slow path
// that a fork of another kind takes, with the same comparison. So does the sentinel below, which is the top when no segment is open.

// A head is the start of every slot.
type head struct {
	key  uintptr // the address of the slot's *Fork; 0 in a sentinel. Constant.
	next uintptr // the top after this slot was pushed; 0 while it is exposed
}

func headAt(addr uintptr) *head { return *(**head)(unsafe.Pointer(&addr)) }

var (
	sentinel    head
	sentinelTop = uintptr(unsafe.Pointer(&sentinel))
)

// A segment is a run of slots of one kind. The slots stay where they are, so addresses may be kept as numbers (which spares
// the fast paths the garbage collector's write barrier); slots keeps them alive.
type segment struct {
	owner  *fiber
	task   atom.Pointer[Task] // whose forks these are. Thieves read it too.
	key    uintptr
	base   uintptr // address of the first slot
	limit  uintptr // address of the sentinel
	stride uintptr
	top    uintptr // the top, while another segment lies above or none is open
	jobs   uintptr // offset of a slot's job
	errs   uintptr // offset of its failure
	slots  any
	scrub  func(slots any) // clears what used slots still refer to
}

const (
	firstSlots   = 64   // slots of a fiber's first segments
	mostSlots    = 4096 // of any segment
	manySegments = 16
	fewSlots     = 4 // of segments beyond so many
)

// newSlots makes a segment of n slots and a sentinel.
func newSlots[A, R any](key uintptr, n int) *segment {
	slots := make([]slot[A, R], n+1)
	var p *slot[A, R]
	seg := &segment{
		key:    key,
		base:   uintptr(unsafe.Pointer(&slots[0])),
		limit:  uintptr(unsafe.Pointer(&slots[n])),
		stride: unsafe.Sizeof(*p),
		jobs:   unsafe.Offsetof(p.job),
		errs:   unsafe.Offsetof(p.failure),
		slots:  slots,
		scrub:  scrub[A, R],
	}
	for i := range slots[:n] {
		p := &slots[i]
		p.key = key
		p.next = uintptr(unsafe.Pointer(&slots[i+1]))
		p.slow = joinSlow[A, R]
		p.job.run = runStolen[A, R]
		p.job.what = unsafe.Pointer(seg)
		p.job.state.Store(jobPrivate)
	}
	return seg
}

// scrub drops the references of slots that have been used. Slots are used from the first on, and a used slot has a function.
func scrub[A, R any](slots any) {
	var noArg A
	for i, s := 0, slots.([]slot[A, R]); s[i].fn != nil; i++ {
		s[i].fn, s[i].arg = nil, noArg
	}
}

func (s *segment) job(slot uintptr) *Job {
	slot += s.jobs
	return *(**Job)(unsafe.Pointer(&slot))
}

func (s *segment) contains(addr uintptr) bool { return s.base <= addr && addr < s.limit }

// A forkStack is the part of a fiber that forks and joins touch.
type forkStack struct {
	// attn is 1 when the fiber should look up: it makes the next fork or join take the slow path. Others write it (see
	// proc.request), after they have said elsewhere what they want. It must be first, for the inlining budget's sake.
	attn atom.Uintptr
	top  uintptr // address of the slot that the next fork fills

	*segments
}

// segments is the rest of a fork stack. Its first fork makes it.
type segments struct {
	segs    []*segment
	cur     int // index of the top segment, -1 if there is none
	markSeg int // mark is a slot of segs[markSeg], or that segment's top
	mark    uintptr
	floor   int // the innermost task's forks are in segs[floor:]
	free    []*segment
}

// noSegments is what all fork stacks share that have had no forks. It is never changed.
var noSegments = &segments{cur: -1, markSeg: -1}

func (s *forkStack) init() { s.top, s.segments = sentinelTop, noSegments }

// setFloor says where the forks of the innermost task begin.
func (s *forkStack) setFloor(floor int) {
	if s.floor != floor { // or else there may be no segments
		s.floor = floor
	}
}

// end returns the top of segment i.
func (s *forkStack) end(i int) uintptr {
	if i == s.cur && s.top != sentinelTop {
		return s.top
	}
	return s.segs[i].top
}

// openSegment makes room for a fork of a kind: in the segment below, if the top one is empty, or else in an empty segment
// that it puts on the stack, one that was used before if possible.
func (f *fiber) openSegment(key uintptr, alloc func(key uintptr, n int) *segment) {
	f.closeSegment()
	if f.cur >= f.floor && f.segs[f.cur].top == f.segs[f.cur].base {
		f.dropSegment()
		if f.cur >= f.floor && f.segs[f.cur].key == key && f.segs[f.cur].top < f.segs[f.cur].limit {
			f.top = f.segs[f.cur].top
			return
		}
	}
	seg := f.takeFree(key)
	if seg == nil {
		seg = alloc(key, f.segmentSize(key))
		seg.owner = f
	}
	if f.segments == noSegments {
		f.segments = &segments{cur: -1, markSeg: -1}
	}
	seg.task.Store(f.task)
	seg.top = seg.base
	f.segs = append(f.segs, seg)
	f.cur++
	f.top = seg.base
	if f.cur == 0 {
		f.markSeg, f.mark = 0, seg.base
	}
}

// segmentSize returns how many slots the next segment of a kind shall have: twice as many as the one below, if that is of the
// same kind, since then it is full; few, if kinds alternate so much that there are many segments already.
func (s *forkStack) segmentSize(key uintptr) int {
	if s.cur >= 0 {
		if below := s.segs[s.cur]; below.key == key {
			return min(2*int((below.limit-below.base)/below.stride), mostSlots)
		}
	}
	if s.cur >= manySegments {
		return fewSlots
	}
	return firstSlots
}

// closeSegment makes the next fork open a segment.
func (s *forkStack) closeSegment() {
	if s.top != sentinelTop {
		s.segs[s.cur].top, s.top = s.top, sentinelTop
	}
}

// dropSegment takes the top segment, which is empty, off the stack and leaves none open.
func (s *forkStack) dropSegment() {
	last := s.segs[s.cur]
	s.free = append(s.free, last)
	s.segs[s.cur] = nil
	s.segs = s.segs[:s.cur]
	s.cur--
	s.top = sentinelTop
	if s.markSeg > s.cur { // everything below is exposed
		if s.markSeg = s.cur; s.cur >= 0 {
			s.mark = s.segs[s.cur].top
		}
	}
}

func (s *forkStack) takeFree(key uintptr) *segment {
	for i := len(s.free) - 1; i >= 0; i-- {
		if seg := s.free[i]; seg.key == key {
			last := len(s.free) - 1
			s.free[i], s.free[last] = s.free[last], nil
			s.free = s.free[:last]
			return seg
		}
	}
	return nil
}

// settle makes slot the topmost one, by dropping the forks above it that a panic has left behind. It panics if there is no
// such fork.
func (f *fiber) settle(slot uintptr) {
	i := f.cur
	for i >= f.floor && !f.segs[i].contains(slot) {
		i--
	}
	if i < f.floor || slot >= f.end(i) {
		panic("pinwheel: Join of a fork that is not outstanding: forks are joined once, by the task that forked them, the last forked first")
	}
	f.dropTo(i, slot+f.segs[i].stride)
}

// dropTo drops forks until the stack ends with segment i at top.
func (f *fiber) dropTo(i int, top uintptr) {
	for f.cur > i {
		f.dropTo(f.cur, f.segs[f.cur].base)
		f.closeSegment()
		f.dropSegment()
	}
	if f.top == sentinelTop {
		f.top = f.segs[i].top
	}
	for f.top > top {
		f.drop()
	}
}

// drop cancels the topmost fork, or awaits it if it has been stolen. A panic of such a fork has nobody to go to but the
// panic handler.
func (f *fiber) drop() {
	seg := f.segs[f.cur]
	slot := f.top - seg.stride
	if headAt(slot).next == 0 {
		if j := seg.job(slot); !f.reclaim(j) {
			f.await(j)
			j.state.Store(jobPrivate)
			f.p.pool.abandoned(seg.failure(slot))
		}
	}
	f.pop()
}

// failure takes the failure of a stolen fork out of its slot.
func (s *segment) failure(slot uintptr) *PanicError {
	slot += s.errs
	p := *(***PanicError)(unsafe.Pointer(&slot))
	err := *p
	*p = nil
	return err
}

// pop takes the topmost slot off the stack. It is not exposed any more.
func (f *fiber) pop() {
	seg := f.segs[f.cur]
	slot := f.top - seg.stride
	if h := headAt(slot); h.next == 0 {
		h.next = f.top
		f.markSeg, f.mark = f.cur, slot
	}
	f.top = slot
}

// reclaim takes an exposed fork back. It fails if the fork was stolen.
func (f *fiber) reclaim(j *Job) bool {
	if !j.state.CompareAndSwap(jobExposed, jobPrivate) {
		return false
	}
	f.p.withdraw(j)
	return true
}

// exposeOldest moves the oldest private fork to the public deque. It reports whether there was one.
func (f *fiber) exposeOldest() bool {
	if f.cur < 0 {
		return false
	}
	for f.mark == f.end(f.markSeg) {
		if f.markSeg == f.cur {
			return false
		}
		f.markSeg++
		f.mark = f.segs[f.markSeg].base
	}
	seg := f.segs[f.markSeg]
	headAt(f.mark).next = 0
	j := seg.job(f.mark)
	j.state.Store(jobExposed)
	f.p.own.Push(j)
	f.mark += seg.stride
	f.p.stats.exposed.add(1)
	return true
}

// exposeAll does so with all of them, and with the task that stands by.
func (f *fiber) exposeAll() (some bool) {
	if r := f.p.standby; r != nil {
		f.p.standby = nil
		r.prepare(f.p.pool)
		f.p.own.Push(&r.job)
		some = true
	}
	for f.exposeOldest() {
		some = true
	}
	return some
}

// A level is what enter saves and leave restores.
type level struct {
	task  *Task
	floor int
}

// enter begins task on the fiber, on top of what runs there. Its forks go to segments of their own, because a segment says
// whose forks it holds.
func (f *fiber) enter(t *Task) level {
	l := level{f.task, f.floor}
	f.closeSegment()
	f.task = t
	f.setFloor(f.cur + 1)
	if !f.p.pool.alone() && f.attn.Load() == 0 {
		f.attn.Store(1) // the first loop splits, the first fork is exposed
	}
	return l
}

// leave ends what enter began: it drops forks that were not joined and ends the task's handle.
func (f *fiber) leave(l level) {
	for f.cur >= f.floor {
		f.dropTo(f.cur, f.segs[f.cur].base)
		f.closeSegment()
		f.dropSegment()
	}
	f.task.end()
	f.task = l.task
	f.setFloor(l.floor)
	if f.cur >= f.floor && f.cur >= 0 {
		f.top = f.segs[f.cur].top
	}
}

// keptSegments is how many unused segments a fiber that rests keeps.
const keptSegments = 16

// forget drops what used slots refer to, and what is left of an unusual depth. Only for a fiber that runs nothing.
func (s *forkStack) forget() {
	if len(s.free) > keptSegments {
		clear(s.free[keptSegments:])
		s.free = s.free[:keptSegments]
	}
	for _, seg := range s.free {
		if seg.task.Load() != nil { // it has been used since it was scrubbed
			seg.scrub(seg.slots)
			seg.task.Store(nil)
		}
	}
}
