package worker

import (
	"context"
	"iter"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/tick"
)

// A fiber is a stack on which tasks run, and the fork stack that goes with it.
//
// A worker's fibers are coroutines of its locked goroutine (iter.Pull). Each runs the scheduling loop, and on the same stack
// the tasks that it finds; a task that never waits therefore costs no switch. A task that waits suspends its fiber: control
// returns to the trunk, which resumes another. Coroutines of a locked goroutine run only on its thread, so a fiber never
// migrates. That is also what makes suspending simple: whoever ends the wait puts the fiber in its worker's inbox, and the
// worker cannot look there before the fiber has let go of the thread.
//
// A guest's fibers are coroutines of an ordinary goroutine. Each runs one job and ends. A sequence's are goroutines.
type fiber struct {
	forkStack // must be first, see forkStack.attn

	p    *proc // whose fiber it is: a worker's, a guest's or a sequence's
	task *Task // the innermost running task

	g         atom.Uintptr        // identity of its goroutine, set when it starts
	after     atom.Pointer[fiber] // in its chain of the table of fibers
	before    *fiber              // the same
	next      func() (struct{}, bool)
	yield     func(struct{}) bool
	link      *fiber               // in an inbox or a list of the worker's
	job       *Job                 // what it is going to run first, if that is decided
	root      *Root                // for detached tasks; nil if there is none, or one has it
	waiter    atom.Pointer[Waiter] // what it is suspended for, if that can be cancelled
	site      atom.Count32         // where the task that runs on it was started, a callsite.Site
	status    fiberStatus
	dismissed bool // it shall end when it is resumed
	lasting   bool // a guest's that rests after its job, until there is another
	hosted    bool // a sequence's whose goroutine is the one that called
}

// fiberStatus says why a fiber has yielded.
type fiberStatus uint8

const (
	fiberIdle      fiberStatus = iota // it runs nothing: the worker has something better to do than to look for work
	fiberSuspended                    // its task waits
	fiberUnwatched                    // the same, and its wait is not watched over yet
	fiberJoins                        // its task waits for a stolen fork
	fiberGivesWay                     // its task goes on when the ready fibers have had their turn
	fiberDead                         // a task on it called runtime.Goexit
)

// newFiber returns a fiber of the worker that has not started yet.
func newFiber(w *worker) *fiber {
	f := &fiber{p: &w.proc}
	f.init()
	f.next, _ = iter.Pull(w.body())
	return f
}

// dismiss ends a fiber that runs nothing.
func (f *fiber) dismiss() {
	f.dismissed = true
	f.next()
}

// goexit is what leaves a fiber whose task called runtime.Goexit. iter.Pull would pass a Goexit on to the trunk, which has
// no way to stop it. It passes on a panic too, and that the trunk can recover from.
type goexit struct{}

// body returns what the fibers of the executor run. It is the same for all: each finds itself as the one that is switched to.
func (p *proc) body() func(yield func(struct{}) bool) {
	if p.fiberMain == nil {
		p.fiberMain = func(yield func(struct{}) bool) {
			f := p.cur.Load()
			f.yield = yield
			f.main()
		}
	}
	return p.fiberMain
}

// main is at the bottom of the stack of every task that waits, so its frame is small.
func (f *fiber) main() {
	f.arrive()
	f.status = fiberDead
	defer f.depart()
	if f.p.guest != nil {
		f.visit()
		return
	}
	for !f.dismissed {
		j := f.job // one for which the trunk has chosen this fiber
		if f.job = nil; j == nil {
			j = f.p.worker.find(f)
		}
		if j == nil {
			f.rest()
			continue
		}
		j.run(f, j)
	}
}

// rest yields to the trunk, with nothing to do.
func (f *fiber) rest() {
	f.status = fiberIdle
	f.yield(struct{}{})
	f.status = fiberDead
}

// depart is the end of the fiber's goroutine.
func (f *fiber) depart() {
	f.vanish()
	if f.status == fiberDead && !f.dismissed {
		panic(goexit{})
	}
}

// visit is what a guest's fiber does: one job, or one after the other if it is a lasting one.
func (f *fiber) visit() {
	if f.lasting {
		pprof.SetGoroutineLabels(context.Background()) // not those of the goroutine that made it
	}
	for !f.dismissed {
		j := f.job
		if f.job = nil; j == f.p.guest.first {
			runRoot(f, j) // which the guest has, by whatever way
		} else {
			j.run(f, j)
		}
		if !f.lasting {
			f.status = fiberIdle
			return
		}
		f.rest()
	}
}

// switchTo runs the fiber until it yields. Only the trunk calls it.
func (f *fiber) switchTo() {
	defer func() {
		if f.status == fiberDead {
			if r := recover(); r != (goexit{}) {
				panic(r) // a bug of ours: tasks' panics do not get here
			}
		}
	}()
	f.next()
}

// suspend lets go of the thread until [fiber.resume]. Forks that are still private are exposed, so that others can go on
// with them.
func (f *fiber) suspend(why fiberStatus) {
	if f.exposeAll() {
		f.p.pool.notify(f.p)
	}
	f.p.stats.suspended.add(1)
	if w := f.p.worker; w != nil {
		w.suspended.Add(1)
	}
	f.switchAway(why)
}

func (f *fiber) switchAway(why fiberStatus) {
	f.status = why
	f.yield(struct{}{})
	f.status = fiberDead // until it yields or returns properly
}

// resume makes a suspended fiber ready. It may be called from anywhere, once for each suspension, also before the fiber has
// let go of its thread.
func (f *fiber) resume() {
	switch p := f.p; {
	case p.worker != nil:
		p.worker.makeReady(f)
	case p.guest != nil:
		p.guest.makeReady(f)
	default:
		p.pool.seq.makeReady(f)
	}
}

// service is the safe point: it does what others have asked for.
func (f *fiber) service() {
	if f.attn.Load() == 0 {
		return
	}
	f.attn.Store(0) // before reading what is wanted, the mirror image of request
	p := f.p
	if p.worker != nil {
		p.worker.pass()
	}
	if q := p.pool.seq; q != nil {
		q.giveWay(f)
		return
	}
	if p.wanted.Load() == 0 {
		return
	}
	wanted := p.wanted.Swap(0)
	if wanted&wantReturn != 0 {
		p.comeBack()
	}
	if wanted&wantSwitch != 0 && p.worker != nil && f.mustMakeWay() {
		f.exposeAll()
		f.p.pool.notify(p)
		f.switchAway(fiberGivesWay)
	}
}

// expose keeps work within reach of thieves: one fork at least, and one for each idle worker. If it has none, it asks to be
// called again at the next safe point.
func (f *fiber) expose() {
	p := f.p
	if p.pool.alone() {
		return
	}
	want := p.pool.idleSeats()
	if p.own.Empty() {
		want++
	}
	for ; want > 0 && f.exposeOldest(); want-- {
	}
	if p.own.Empty() {
		f.attn.Store(1)
		return
	}
	p.pool.notify(p)
}

// awaitSpin is how long a fiber looks before it is suspended. That costs half a microsecond, and there is other work to do.
const awaitSpin = time.Microsecond

// await waits until a stolen job is done.
func (f *fiber) await(j *Job) {
	for end := atom.Now() + awaitSpin; atom.Now() < end; atom.Yield() {
		if j.state.Load() == jobDone {
			return
		}
	}
	if j.state.CompareAndSwap(jobTaken, jobAwaited) {
		f.waiter.Store(&Waiter{why: ForJoin, firm: true, task: f.task, since: tick.Now()})
		f.suspend(fiberJoins)
		f.waiter.Store(nil)
	}
}

// caught turns what a deferred function recovered into a failure. It is called only for runs that did not return.
func (f *fiber) caught(r any) *PanicError {
	if r == nil {
		f.p.stats.goexits.add(1)
		return &PanicError{Value: ErrGoexit}
	}
	f.p.stats.panicked.add(1)
	return f.task.asPanicError(r)
}

func (t *Task) asPanicError(r any) *PanicError {
	if err, ok := r.(*PanicError); ok {
		return err // it has its stack, from a task that this one awaited
	}
	return &PanicError{Value: r, Stack: debug.Stack(), Started: t.root().started()}
}

// Caught turns what a deferred function recovered from a panic, which must not be nil, into a failure with the stack of the
// panic.
func (t *Task) Caught(r any) *PanicError {
	t.fiber().p.stats.panicked.add(1)
	return t.asPanicError(r)
}
