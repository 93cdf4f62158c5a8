package worker

import (
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// A Loop is the event loop of a pool: its timers and its descriptors. Workers turn it besides their tasks, so that what has
// become due or ready needs no other thread while they are awake. A thread of the loop's own does it while they sleep, or
// compute without a safe point; whatever a worker does here it only does sooner.
//
// A worker turns the loop
//
//   - while it looks for work, every few microseconds, and once more before it parks;
//   - between tasks, once in a while;
//   - at a safe point of a task that computes, once in a while.
//
// "Once in a while" is when turnTime has passed since it did so last. The clock is read for that only every few times that a
// worker comes by, and never on the fast paths of fork and join: a worker takes its turn when something else has called for
// its attention, a thief or a fiber that is ready. If nothing does, it computes in peace, and the thread comes.
type Loop interface {
	// Workers are known by their numbers. Spares, who stand in for others, have no timers of their own, and are all known as -1.

	// Turn does, without blocking, what a worker can do at the time now: it fires the timers of the worker's shard and takes
	// what descriptors are ready. It reports which of them there were. It runs on the worker's thread, and may wake waiters
	// and submit tasks.
	Turn(worker int, now time.Duration) (due, ready bool)

	// Rest is called when a worker is about to sleep. The worker will turn the loop at the time until, if nothing wakes it
	// before; forever, the greatest duration, leaves it to the thread.
	Rest(worker int) (until time.Duration)

	// Watch may be where it sleeps: until the time until, or [Loop.Rouse], and only while word is 0. watched is false if it has not
	// slept there, but is to sleep on the word. If found is true, Deliver is called next.
	Watch(word *atom.Uint32, until time.Duration) (watched, found bool)

	// Deliver does what has become possible while the worker slept in Watch. The worker counts as awake again.
	Deliver()

	// Rouse ends a Watch with this word, if there is one. The word has been changed before. It does not block.
	Rouse(word *atom.Uint32)

	// Rise is called when it sleeps no more, on the word that Watch was given.
	Rise(worker int, word *atom.Uint32)

	// Close ends the thread and all waits. It is called once, when the workers have ended.
	Close()
}

const (
	turnTime = 100 * time.Microsecond
	turnSkip = 16 // how often a busy worker comes by before it reads the clock

	forever time.Duration = 1<<63 - 1
)

// A looper is the part of a pool that has to do with its loop.
type looper struct {
	make func() (Loop, error) // nil if the pool shall have none
	loop atom.Pointer[Loop]
	over bool // guarded by the pool's mutex: no loop is made any more

	prompt injector // see prompt.go
	hails  atom.Uint32
}

// Loop returns the pool's event loop. The first call makes it, so a pool that neither sleeps nor communicates has none. It
// fails with [ErrClosed] when the pool is closed, and with whatever error making it has had.
func (p *Pool) Loop() (Loop, error) {
	if l := p.looper.loop.Load(); l != nil {
		return *l, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.looper.loop.Load(); l != nil {
		return *l, nil
	}
	if p.looper.over || p.looper.make == nil {
		return nil, ErrClosed
	}
	l, err := p.looper.make()
	if err != nil {
		return nil, err
	}
	p.looper.loop.Store(&l)
	return l, nil
}

// HasLoop reports whether the event loop has been made.
func (p *Pool) HasLoop() bool { return p.looper.loop.Load() != nil }

// closeLoop ends the loop, when no worker is left that might turn it.
func (p *Pool) closeLoop() {
	p.mu.Lock()
	p.looper.over = true
	l := p.looper.loop.Load()
	p.mu.Unlock()
	if l != nil {
		(*l).Close()
	}
}

// loop returns the worker's loop, or nil if there is none yet.
func (w *worker) loop() Loop {
	if w.pool.looper.make == nil {
		return nil
	}
	if l := w.pool.looper.loop.Load(); l != nil {
		return *l
	}
	return nil
}

// shard returns what the loop knows the worker by.
func (w *worker) shard() int {
	if w.isSpare() {
		return -1
	}
	return w.id
}

// turn turns the loop, and reports what that found. For a worker that has no work.
func (w *worker) turn(now time.Duration) (due, ready bool) {
	l := w.loop()
	if l == nil {
		return false, false
	}
	return w.turnOf(l, now)
}

func (w *worker) turnOf(l Loop, now time.Duration) (due, ready bool) {
	w.turned = now
	if due, ready = l.Turn(w.shard(), now); due || ready {
		w.note(EventPoll, 0, 0)
	}
	return due, ready
}

// pass is for a worker that has work, and comes by.
func (w *worker) pass() {
	if w.passes++; w.passes%turnSkip != 0 {
		return
	}
	if l := w.loop(); l != nil {
		if now := atom.Now(); now >= w.turned+turnTime {
			w.turnOf(l, now)
		}
	}
}

// doze sleeps on the parked word, but not beyond the time at which the worker's next timer is due. It may return early. It
// reports true if the worker has got up for its timer, and counts as awake and searching again.
//
// Who gets up by itself must take itself out of idle first, as at the end of the last look (see park): if a waker was faster,
// it has set the parked word, or is about to, and that is the wake that counts. The worker sleeps until then, for the waker may have been
// interrupted, and need this very CPU.
func (w *worker) doze() (up bool) {
	until := forever
	l := w.loop()
	if l != nil {
		until = l.Rest(w.shard())
		defer l.Rise(w.shard(), &w.parked)
	}
	if l != nil {
		if d := w.napFor(until); d > 0 && w.nap(d) {
			return false
		}
		if watched, found := l.Watch(&w.parked, until); watched {
			return w.getUp(l, found)
		}
	}
	if until == forever {
		atom.FutexWait(&w.parked, asleep, -1)
		return false
	}
	if left := until - atom.Now(); left > 0 {
		atom.FutexWait(&w.parked, asleep, left)
		if atom.Now() < until {
			return false
		}
	}
	if w.riseEarly() {
		return true
	}
	atom.FutexWait(&w.parked, asleep, -1)
	return false
}

// riseEarly counts the worker, which has not been woken, as awake and searching. It reports false if a waker was faster.
func (w *worker) riseEarly() bool {
	if !w.pool.idle.remove(w.id) {
		return false
	}
	w.pool.state.Add(oneAwake + oneSearching)
	return true
}

// getUp ends a sleep in the loop. The worker is awake before it delivers what was found, so that it need not wake anybody for
// that: it searches itself.
func (w *worker) getUp(l Loop, found bool) (up bool) {
	if !found && w.parked.Load() != asleep {
		return false
	}
	up = w.riseEarly()
	if found {
		l.Deliver()
	}
	if !up {
		atom.FutexWait(&w.parked, asleep, -1)
	}
	return up
}

// rouse ends the sleep of a worker whose word has been set.
func (w *worker) rouse() {
	atom.FutexWake(&w.parked, 1)
	if l := w.loop(); l != nil {
		l.Rouse(&w.parked)
	}
}

// Worker returns the number of the worker that the task runs on, or -1 if it runs on a guest or a spare. It must be called on
// the task's own goroutine.
func (t *Task) Worker() int {
	if w := t.fiber().p.worker; w != nil {
		return w.shard()
	}
	return -1
}
