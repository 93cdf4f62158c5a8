package worker

import (
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// An EventKind says what happened.
type EventKind uint8

// What the arguments of an [Event] are depends on its kind. A fiber is named by a number that no other fiber has at the time.
const (
	EventNone   EventKind = iota
	EventTask             // a root task begins: the address of its function's code, the fiber
	EventTyped            // a root task begins that has none: the number of its type, the fiber
	EventStolen           // a stolen fork begins: the address of its function's code, the fiber
	EventEnd              // the last of these that began on the fiber ends: nothing, the fiber
	EventSwitch           // the worker goes on with another fiber: nothing, the fiber
	EventSteal            // a job is stolen, which begins next: the proc it is stolen from
	EventPark             // it goes to sleep
	EventUnpark           // it was woken
	EventPoll             // it turned the event loop, and something was due or ready
)

// An Event is one thing that an executor did while it was traced.
type Event struct {
	Time time.Duration // as atom.Now
	Kind EventKind
	A, B uint64
}

// note records an event if there is a trace: a load and a branch if there is none.
func (p *proc) note(kind EventKind, a, b uint64) {
	if r := p.trace.Load(); r != nil {
		r.add(kind, a, b)
	}
}

// noteTask records the beginning of a root task. It is named by the function that its body says it is for, or else by its type.
func (p *proc) noteTask(r *Root, f *fiber) {
	ring := p.trace.Load()
	if ring == nil {
		return
	}
	if e, ok := r.body.(interface{ Entry() uintptr }); ok {
		ring.add(EventTask, uint64(e.Entry()), f.number())
	} else {
		ring.add(EventTyped, p.pool.traceTypes.of(r.body), f.number())
	}
}

// noteStolen records the beginning of a stolen fork of the function value at fn.
func (p *proc) noteStolen(fn unsafe.Pointer, f *fiber) {
	if ring := p.trace.Load(); ring != nil {
		ring.add(EventStolen, **(**uint64)(fn), f.number())
	}
}

// number names the fiber in a trace.
func (f *fiber) number() uint64 { return uint64(uintptr(unsafe.Pointer(f))) }

// A ring keeps the last events of one executor. The executor writes and never waits; a reader that is too slow misses some.
type ring struct {
	next   atomic.Uint64 // how many events there have been. Stored after the event.
	events [ringEvents][3]atom.Count
}

const (
	ringEvents = 1 << 15
	ringMargin = 16 // events that the writer may be writing while its count has not been seen to change
)

func (r *ring) add(kind EventKind, a, b uint64) {
	n := r.next.Load()
	e := &r.events[n%ringEvents]
	e[0].Store(uint64(atom.Now())<<8 | uint64(kind))
	e[1].Store(a)
	e[2].Store(b)
	r.next.Store(n + 1)
}

// read appends the events from number from on, and returns the number to go on with. Events that have been overwritten are
// left out, and counted.
func (r *ring) read(from uint64, events []Event) (_ []Event, next, lost uint64) {
	next = r.next.Load()
	begin := max(from, next-min(next, ringEvents-ringMargin))
	lost = begin - from
	first := len(events)
	for n := begin; n != next; n++ {
		e := &r.events[n%ringEvents]
		w := e[0].Load()
		events = append(events, Event{time.Duration(w >> 8), EventKind(w), e[1].Load(), e[2].Load()})
	}
	// What has been overwritten meanwhile is not to be trusted.
	if now := r.next.Load(); now > begin+ringEvents-ringMargin {
		spoilt := min(now-(begin+ringEvents-ringMargin), next-begin)
		events = append(events[:first], events[first+int(spoilt):]...)
		lost += spoilt
	}
	return events, next, lost
}

// types numbers the types of bodies.
type types struct {
	mu     sync.Mutex
	number map[reflect.Type]uint64
	list   []reflect.Type
}

func (n *types) of(b Body) uint64 {
	key := reflect.TypeOf(b)
	n.mu.Lock()
	defer n.mu.Unlock()
	i, ok := n.number[key]
	if !ok {
		if n.number == nil {
			n.number = map[reflect.Type]uint64{}
		}
		i = uint64(len(n.list))
		n.number[key] = i
		n.list = append(n.list, key)
	}
	return i
}

// Entry returns the address of a function's code, which names it in traces. It returns 0 for nil.
func Entry[F any](fn F) uintptr {
	v := reflect.ValueOf(fn)
	if !v.IsValid() || v.IsNil() {
		return 0
	}
	return v.Pointer()
}

// A Trace is the events of a pool from a moment on.
type Trace struct {
	pool *Pool
	read []uint64 // by proc: the number of the next event
	buf  []Event
}

// StartTrace begins to record what the executors do. It returns nil if a trace is going on already. Recording costs an executor
// some 40 ns for each event, and 800 KB of memory.
func (p *Pool) StartTrace() *Trace {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tracing {
		return nil
	}
	p.tracing = true
	for i := range p.procs {
		if v := p.procs[i].Load(); v != nil {
			v.trace.Store(&ring{})
		}
	}
	return &Trace{pool: p, read: make([]uint64, len(p.procs))}
}

// joinTrace is for an executor that appears: it has a ring if the pool is traced.
func (p *proc) joinTrace() {
	p.pool.mu.Lock()
	if p.pool.tracing && p.trace.Load() == nil {
		p.trace.Store(&ring{})
	}
	p.pool.mu.Unlock()
}

// Read calls f with what has been recorded since the last call, executor by executor: workers first, numbered from 0, then
// guests. lost is the number of events that were overwritten before they could be read. The events are valid only during the call.
func (t *Trace) Read(f func(proc int, events []Event, lost uint64)) {
	for i := range t.pool.procs {
		v := t.pool.procs[i].Load()
		if v == nil {
			continue
		}
		r := v.trace.Load()
		if r == nil {
			continue
		}
		var lost uint64
		if t.buf, t.read[i], lost = r.read(t.read[i], t.buf[:0]); len(t.buf) > 0 || lost > 0 {
			f(i, t.buf, lost)
		}
	}
}

// Type returns the type that an EventTyped speaks of.
func (t *Trace) Type(number uint64) reflect.Type {
	n := &t.pool.traceTypes
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.list[number]
}

// Stop ends the recording. What has not been read is lost.
func (t *Trace) Stop() {
	p := t.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.procs {
		if v := p.procs[i].Load(); v != nil {
			v.trace.Store(nil)
		}
	}
	p.tracing = false
}

// TraceClock returns the time on the clock of events.
func TraceClock() time.Duration { return atom.Now() }

// ProcName returns what to call an executor in a trace.
func (p *Pool) ProcName(proc int) string {
	if proc >= p.size {
		return "caller " + strconv.Itoa(proc-p.size)
	}
	name := "worker " + strconv.Itoa(proc)
	if cpus := p.workers[proc].cpus.Load(); !cpus.IsEmpty() {
		name += ", CPU " + cpus.String()
	}
	return name
}
