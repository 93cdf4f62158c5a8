package sched

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/tick"
	"github.com/pinwheel-sched/pinwheel/timer"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// calls are calls of timers' functions that have become due together. Whoever makes them, a caller, takes one after the other, so
// any number of callers may do so at the same time: one that comes in vain finds none left.
//
// As a rule the functions return at once, and then one caller does best: to wake another worker takes several times as long as all the
// calls. But one function must not delay the others for long, so there is another caller as soon as
//
//   - the first one's task waits: the second stands by for that (see [worker.Task.StandBy]);
//   - it panics or leaves by runtime.Goexit;
//   - its calls have taken quickCalls so far, by a look at the clock between two of them;
//   - one call alone has taken watchCalls: a timer sees to that. The thread of the event loop, which sleeps for no longer than
//     restGrace when a timer is due, comes by at about that time anyway.
//
// Then one was slow, others may be, so every further caller has the next one started before it makes its first call.
type calls struct {
	events *events
	fs     []func()
	next   atomic.Uint32 // of fs
	watch  timer.Timer
}

const (
	quickCalls = 20 * time.Microsecond // about what it takes to wake a worker
	watchCalls = restGrace + 50*time.Microsecond
	mostCalls  = 8 // between two looks at the clock
)

// callBack starts a task for callbacks. When the scheduler is being closed, they are not called any more.
func (e *events) callBack(fs []func()) {
	c := &calls{events: e, fs: fs}
	c.start(&caller{calls: c, first: true})
}

func (c *calls) start(r *caller) { _ = c.events.pool.Prompt(r.init()) }

// more starts another caller.
func (c *calls) more() { c.start(&caller{calls: c}) }

// left returns how many functions nobody has taken.
func (c *calls) left() int { return max(0, len(c.fs)-int(c.next.Load())) }

// take takes one, or returns nil.
func (c *calls) take() (f func()) {
	if i := int(c.next.Add(1)) - 1; i < len(c.fs) {
		f = c.fs[i]
	}
	return f
}

// A caller is a task that makes calls, until there are none left. If a function panics, that is the end of the caller, and another goes on.
type caller struct {
	worker.Root
	*calls
	first  bool
	shares bool // there is, or was, another beside it
}

func (r *caller) init() *worker.Root {
	r.Init(context.Background(), r)
	return &r.Root
}

func (r *caller) Run(t *Task) {
	defer r.end(t)
	if r.left() > 1 {
		r.prepare(t)
	}
	began, quick := tick.Now(), tick.In(quickCalls)
	gap := 1
	for n := 1; ; n++ {
		f := r.take()
		if f == nil {
			return
		}
		f()
		if n < gap {
			continue
		}
		n = 0
		t.SafePoint()
		if tick.Now()-began < quick {
			gap = min(2*gap, mostCalls)
		} else if gap = 1; r.left() > 0 {
			r.share(t)
		}
	}
}

// prepare sees to it that others call the rest if need be.
func (r *caller) prepare(t *Task) {
	if !r.first || r.events.pool.Sequential() {
		r.share(t)
		return
	}
	t.StandBy((&caller{calls: r.calls}).init())
	r.watch.Init(r.more)
	r.watch.ResetOn(r.events.wheels.Shard(t.Worker()), watchCalls)
}

// share has another worker help, if there is one.
func (r *caller) share(t *Task) {
	if !r.shares {
		r.shares = true
		_ = t.Submit((&caller{calls: r.calls}).init())
	}
}

func (r *caller) end(t *Task) {
	if r.first {
		t.StandBy(nil)
		r.watch.Stop()
	}
	if r.left() > 0 {
		r.more()
	}
}

func (r *caller) Done(failure *PanicError, _ error) { r.events.pool.Abandoned(failure) }
