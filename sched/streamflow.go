package sched

import (
	"context"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/park"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A flow is one run of a stream: what the source, the tasks and the consumer share.
//
// Who waits for what:
//
//   - The source waits for room: until freed, which the consumer counts up, is large enough. It waits until half of the window is
//     free, so that it is not woken for each item.
//   - The consumer waits for a result (streamresult.go).
//   - At the end, the consumer waits until nothing runs.
//
// Each wait is a bell: it is announced, then the condition is looked at; whoever makes the condition true does that, then looks
// for somebody to wake. These are mirror images, and a bell that rings for nothing does no harm: who waits looks again.
//
// How it ends: an item that fails lowers failedAt. From then on the source pulls no more, and no item beyond begins; those
// before go on, since their results, or an error of theirs, come first. The consumer, wherever it ends, then stops the flow, and
// so does the end of the context: nothing begins any more, and when live is back at zero, nothing runs.
type flow struct {
	ctx     context.Context // that of the calls, once it is open
	pool    *worker.Pool
	options streamOptions
	workers int

	// Of the source.
	n     uint64             // items that were pulled
	bound uint64             // how many it may pull without a look at freed
	fill  func(begin func()) // see intake.fill

	_      [128]byte
	pulled atom.Uint64 // n as others may know it, some items late
	total  atom.Uint64 // n at the end of the source, math.MaxUint64 before
	want   atom.Uint64 // the source waits for freed to be that much
	room   bell

	_        [128]byte
	freed    atom.Uint64 // results that were taken, by the consumer
	since    atom.Int64  // when the consumer began to wait for some results and not just the next, or 0
	results  bell
	_        [128]byte
	failedAt atom.Int64  // items beyond do not begin
	chunk    atom.Uint32 // how many items a task takes at once
	live     atom.Uint64 // stopped, and what runs: the source, tasks, reports of progress
	ended    bell

	mu        sync.Mutex // of the fields below
	cancel    context.CancelCauseFunc
	unwatch   func() bool
	stopped   error // why
	sourceErr error // before total
}

const (
	flowStopped uint64 = 1 << 63
	notYet      uint64 = math.MaxUint64
)

// newFlow returns a flow whose source is going to run.
func newFlow() *flow {
	f := &flow{ctx: context.Background()}
	f.total.Store(notYet)
	f.want.Store(notYet)
	f.failedAt.Store(never)
	f.chunk.Store(1)
	f.live.Store(1)
	return f
}

// source runs the source: drive pulls all elements.
func (f *flow) source(drive func()) {
	returned := false
	defer func() {
		if !returned {
			f.sourceErr = recovered(recover())
		}
		f.pulled.Store(f.n)
		f.total.Store(f.n)
		f.results.ring()
		f.leave()
	}()
	drive()
	returned = true
}

// recovered returns the error of a function that did not return.
func recovered(r any) error {
	switch r := r.(type) {
	case nil:
		return ErrGoexit
	case *PanicError:
		return r
	default:
		return &PanicError{Value: r, Stack: debug.Stack()}
	}
}

// open binds the flow to its context and scheduler, once. It is called by the source.
func (f *flow) open() {
	if f.pool != nil {
		return
	}
	ctx := f.ctx
	_, f.pool = where(ctx)
	f.workers = f.pool.Size()
	inner, cancel := context.WithCancelCause(ctx)
	f.mu.Lock()
	f.ctx, f.cancel = inner, cancel
	if f.stopped != nil {
		cancel(f.stopped)
	} else {
		f.unwatch = context.AfterFunc(ctx, func() { f.stop(ctx.Err()) })
		f.meter()
	}
	f.mu.Unlock()
}

// stop ends the flow: nothing begins any more. The first reason counts.
func (f *flow) stop(reason error) {
	f.mu.Lock()
	if f.stopped == nil {
		f.stopped = reason
		f.failedAt.Store(-1)
		f.live.Or(flowStopped)
		if f.cancel != nil {
			f.cancel(reason)
		}
	}
	f.mu.Unlock()
	f.room.ring()
	f.results.ring()
}

func (f *flow) isStopped() bool { return f.live.Load()&flowStopped != 0 }

// reason returns why the flow was stopped.
func (f *flow) reason() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stopped
}

// fail says that an item failed, of which no item beyond needs to begin.
func (f *flow) fail(index int64) {
	for {
		at := f.failedAt.Load()
		if at <= index {
			return
		}
		if f.failedAt.CompareAndSwap(at, index) {
			f.room.ring()
			return
		}
	}
}

// enter counts a task that begins. It fails if the flow is stopped.
func (f *flow) enter() bool {
	for {
		s := f.live.Load()
		if s&flowStopped != 0 {
			return false
		}
		if f.live.CompareAndSwap(s, s+1) {
			return true
		}
	}
}

func (f *flow) leave() {
	switch f.live.Add(^uint64(0)) {
	case flowStopped:
		f.ended.ring()
	case flowStopped + 1: // the source perhaps, and it may wait in settle
		f.room.ring()
	}
}

// finish ends the flow and waits until nothing of it runs.
func (f *flow) finish() {
	f.stop(context.Canceled)
	for f.live.Load() != flowStopped {
		f.ended.wait(func() bool { return f.live.Load() == flowStopped })
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unwatch != nil {
		f.unwatch()
	}
}

// Without a Window there may be some items in a flow for each worker, and if they are cheap, some times what a worker takes at once:
// some milliseconds' work, since to wake a goroutine for more of them costs tens of microseconds in all.
const (
	flowDepth  = 16
	cheapDepth = 128
	cheapMost  = 4096
	mostTaken  = 128 // items at once
)

// limit returns how many items there may be at present.
func (f *flow) limit() uint64 {
	if f.options.window > 0 {
		return uint64(f.options.window)
	}
	if c := f.chunk.Load(); c > 1 {
		return uint64(f.workers) * min(cheapDepth*uint64(c), cheapMost)
	}
	return uint64(flowDepth * f.workers)
}

// counted counts an item that was pulled, and waits for room for another. It reports whether that is wanted.
func (f *flow) counted() bool {
	f.n++
	if f.n%16 == 0 {
		f.pulled.Store(f.n)
	}
	if f.n < f.bound {
		return true
	}
	f.pulled.Store(f.n)
	if limit := f.limit(); f.n-f.freed.Load() >= limit {
		f.awaitRoom(f.n - limit/2)
	}
	f.bound = f.freed.Load() + f.limit()
	return f.failedAt.Load() == never
}

func (f *flow) awaitRoom(want uint64) {
	f.awaitFreed(want, func() bool { return f.failedAt.Load() != never })
}

// settle waits until nothing is done any more with what was pulled: all results have been taken, or the flow has been stopped
// and nothing but the source runs.
func (f *flow) settle() {
	f.pulled.Store(f.n)
	f.awaitFreed(f.n, func() bool { return f.live.Load() == flowStopped+1 })
}

func (f *flow) awaitFreed(want uint64, or func() bool) {
	enough := func() bool { return f.freed.Load() >= want || or() }
	for !enough() {
		f.want.Store(want)
		f.room.wait(enough)
	}
	f.want.Store(notYet)
}

// free counts results that were taken.
func (f *flow) free(n uint64) {
	f.freed.Store(n)
	if n >= f.want.Load() {
		f.room.ring()
	}
}

// nudge rings for a consumer that has waited for some results for long enough, so that it takes those which are there.
func (f *flow) nudge(now time.Duration) bool {
	since := f.since.Load()
	if since == 0 || now-time.Duration(since) < gulpPatience {
		return false
	}
	f.results.ring()
	return true
}

// How long a task should take for the items that it takes at once: less, and it takes more the next time.
const (
	takenLeast = 25 * time.Microsecond
	takenMost  = 100 * time.Microsecond
)

// adapt looks at how long a task took for n items.
func (f *flow) adapt(n int, took time.Duration) {
	c := f.chunk.Load()
	if took < takenLeast && n == int(c) && c < mostTaken {
		f.chunk.CompareAndSwap(c, 2*c)
	} else if took > takenMost && c > 1 {
		f.chunk.CompareAndSwap(c, c/2)
	}
}

// A bell is waited for by one and rung by many.
type bell struct{ waiter atom.Pointer[park.Waiter] }

// announce says that somebody is going to wait. After that it is to be looked whether there is a reason to.
func (b *bell) announce() *park.Waiter {
	w := &park.Waiter{}
	w.Init(context.Background())
	w.For(worker.ForStream, nil)
	b.waiter.Store(w)
	return w
}

// wait waits for the bell, unless it is over, whatever becomes of contexts and of the scheduler. It may return for nothing.
func (b *bell) wait(over func() bool) {
	w := b.announce()
	if !over() {
		w.WaitFirmly()
	}
	b.waiter.Store(nil)
}

// ring wakes who waits. What happened before happens before the end of the wait.
func (b *bell) ring() {
	if b.waiter.Load() == nil {
		return
	}
	if w := b.waiter.Swap(nil); w != nil {
		w.Wake()
	}
}
