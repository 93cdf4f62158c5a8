package worker

import (
	"context"
	"runtime/pprof"
	"sync"
	"unsafe"
)

// A sequence runs a pool's tasks one after the other, without workers: for looking at a program in a debugger, or for leaving
// concurrency out as the cause of a fault.
//
// A task runs on the goroutine that waits for it (RunHere), or on one of its own; these goroutines are the fibers. There is
// one turn, and whoever has it runs. A fiber that waits, or has done its task, hands the turn to the next:
//
//   - the fibers whose wait is over, in the order in which it ended,
//   - then the forks that a task left behind when it was suspended, oldest first,
//   - then the tasks that have not begun, in the order in which they came.
//
// If there is none, nobody has the turn, until a wait ends or a task comes. Who hands over a task from outside gets back
// control when that is so again. So as long as nothing but the tasks ends their waits, every run takes the same course.
type sequence struct {
	proc

	mu      sync.Mutex // held briefly; the deque is used by whoever has the turn
	taken   bool       // somebody has the turn
	closed  bool
	pending int       // tasks that have not ended
	ready   queue     // fibers whose wait is over
	gaveWay queue     // fibers that have let those go first
	queue   []*Job    // tasks that have not begun
	settled []*Waiter // for the moment when nobody has the turn
	spare   []*fiber
}

// NewSequence returns a pool without workers, which runs its tasks one after the other on their callers' goroutines: see
// sched.Sequential. Of the configuration it takes OnPanic and Loop. It starts nothing.
func NewSequence(c Config) (*Pool, error) {
	p, err := New(Config{Workers: 1, OnPanic: c.OnPanic, Loop: c.Loop})
	if err != nil {
		return nil, err
	}
	p.idle.remove(0) // nobody wakes the worker: it never starts
	q := &sequence{}
	q.pool, q.id = p, p.size
	q.init(q.id)
	p.procs[q.id].Store(&q.proc)
	p.procsUsed.Store(uint32(q.id) + 1)
	p.seq = q
	return p, nil
}

// Sequential reports whether the pool runs its tasks one after the other, on their callers' goroutines.
func (p *Pool) Sequential() bool { return p.seq != nil }

// admit counts a task that is to run. One that comes from outside is refused when the pool is closed.
func (q *sequence) admit(outside bool) bool {
	if outside && q.closed {
		return false
	}
	q.pending++
	return true
}

// submit queues a task. If nobody has the turn, it begins at once.
func (q *sequence) submit(j *Job, outside bool) error {
	q.mu.Lock()
	if !q.admit(outside) {
		q.mu.Unlock()
		return ErrClosed
	}
	q.queue = append(q.queue, j)
	if q.taken {
		q.mu.Unlock()
		return nil
	}
	q.taken = true
	q.mu.Unlock()
	q.handOver()
	return nil
}

// settle waits until nobody has the turn.
func (q *sequence) settle() {
	q.mu.Lock()
	if !q.taken {
		q.mu.Unlock()
		return
	}
	w := &Waiter{}
	w.Init(context.Background())
	q.settled = append(q.settled, w)
	q.mu.Unlock()
	w.WaitFirmly()
}

// host runs a task on the calling goroutine.
func (q *sequence) host(r *Root) error {
	r.prepare(q.pool)
	q.mu.Lock()
	if !q.admit(true) {
		q.mu.Unlock()
		return ErrClosed
	}
	f := q.fiber()
	f.hosted, f.sequential().outer = true, fiberHere()
	if q.taken {
		q.ready.add(f)
		q.mu.Unlock()
		f.awaitTurn()
	} else {
		q.taken = true
		q.mu.Unlock()
	}
	q.run(f, &r.job)
	q.settle()
	return nil
}

// run runs a job on the calling goroutine, which has the turn, and hands that over afterwards.
func (q *sequence) run(f *fiber, j *Job) {
	root := j.state.Load() == jobRoot
	f.arrive()
	q.proc.run(f)
	defer func() { // deferred, for the job may leave by runtime.Goexit
		f.vanish()
		f.forget()
		f.hosted, f.sequential().outer = false, nil
		q.mu.Lock()
		q.spare = append(q.spare, f)
		if root {
			q.pending--
		}
		q.mu.Unlock()
		q.handOver()
	}()
	j.run(f, j)
}

// handOver gives the turn to the next, or to nobody.
func (q *sequence) handOver() {
	q.mu.Lock()
	if f := q.next(); f != nil {
		q.mu.Unlock()
		f.takeTurn()
		return
	}
	if j := q.job(); j != nil {
		f := q.fiber()
		q.mu.Unlock()
		go func() {
			pprof.SetGoroutineLabels(context.Background()) // not those of whoever has had the turn
			q.run(f, j)
		}()
		return
	}
	q.taken = false
	settled := q.settled
	q.settled = nil
	q.mu.Unlock()
	for _, w := range settled {
		w.Wake()
	}
	if q.pool.Closed() {
		q.pool.checkQuiet()
	}
}

func (q *sequence) next() *fiber {
	if f := q.ready.take(); f != nil {
		return f
	}
	return q.gaveWay.take()
}

func (q *sequence) job() *Job {
	for {
		j, _ := q.thief.Steal() // nobody competes for it
		if j == nil {
			break
		}
		if j.state.Load() == jobExposed {
			return j
		}
	}
	if len(q.queue) == 0 {
		return nil
	}
	j := q.queue[0]
	q.queue[0] = nil
	q.queue = q.queue[1:]
	return j
}

// fiber returns a fiber that is not in use. q.mu must be held.
func (q *sequence) fiber() *fiber {
	if n := len(q.spare) - 1; n >= 0 {
		f := q.spare[n]
		q.spare = q.spare[:n]
		return f
	}
	f := &(&sequentialFiber{turn: make(chan struct{}, 1)}).fiber
	f.p = &q.proc
	f.init()
	f.yield = func(struct{}) bool {
		if f.status == fiberGivesWay {
			q.mu.Lock()
			q.gaveWay.add(f)
			q.mu.Unlock()
		}
		q.handOver()
		f.awaitTurn()
		q.proc.run(f)
		return true
	}
	return f
}

// A sequentialFiber is a fiber of a sequence.
type sequentialFiber struct {
	fiber               // must be first
	turn  chan struct{} // has room for one
	outer *fiber        // that this is besides, in another pool
}

func (f *fiber) sequential() *sequentialFiber { return (*sequentialFiber)(unsafe.Pointer(f)) }

// awaitTurn waits for takeTurn, which may come first. A goroutine that is itself a fiber of another pool suspends that.
func (f *fiber) awaitTurn() {
	s := f.sequential()
	if s.outer != nil {
		s.outer.suspend(fiberSuspended)
		return
	}
	<-s.turn
}

func (f *fiber) takeTurn() {
	s := f.sequential()
	if s.outer != nil {
		s.outer.resume()
		return
	}
	s.turn <- struct{}{}
}

// makeReady puts a fiber whose wait is over in line, or gives it the turn if nobody has it.
func (q *sequence) makeReady(f *fiber) {
	q.mu.Lock()
	if !q.taken {
		q.taken = true
		q.mu.Unlock()
		f.takeTurn()
		return
	}
	q.ready.add(f)
	q.mu.Unlock()
	q.request(0)
}

// giveWay lets fibers go first whose wait is over.
func (q *sequence) giveWay(f *fiber) {
	q.mu.Lock()
	some := q.ready.first != nil
	q.mu.Unlock()
	if some {
		f.switchAway(fiberGivesWay)
	}
}

// refuse takes no more tasks from outside.
func (q *sequence) refuse() {
	if q == nil {
		return
	}
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
}

// isOutside reports whether the calling goroutine is none of the sequence's.
func (q *sequence) isOutside() bool {
	f := fiberHere()
	return f == nil || f.p != &q.proc
}

// busy reports whether a task runs or waits.
func (q *sequence) busy() bool {
	if q == nil {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.taken || q.pending > 0
}
