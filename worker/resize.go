package worker

import (
	"fmt"
	"time"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/victim"
)

// A pool has room for a number of workers, which is fixed, and uses some of them, which is not: those numbered below its target. The
// others are retired.
//
// The seats of retired workers are held by guests that do not exist, in the state's count. So nothing in the protocol of idle.go
// needs to know about the target: at most as many compute as there are seats left. What has to be seen to is that the right ones do.
//
//   - A retired worker is in the set retired instead of idle, so nobody wakes it for work. Only what it has to do itself wakes it, a fiber
//     that becomes ready: fibers do not move. Then it is one too many, until that fiber waits again or ends.
//   - A worker finds out that it is to retire between two jobs, or when it is woken. Jobs that are left in its deque are stolen, as ever.
//   - As a worker does that parks, it gives up its seat, enters the set, and looks: for work, for which it wakes another, since a submitter
//     may have gone away because of it; and for something of its own.
//   - Whoever takes a worker out of a set must deliver it, because meanwhile nobody else can wake it; a worker that has never been started
//     has no fiber that could be ready, and may be put into the other set. But it may have been posted a task: so look after that.

// Limit returns the number of workers that the pool has room for.
func (p *Pool) Limit() int { return p.size }

// Size returns the number of workers: how many tasks compute at once.
func (p *Pool) Size() int { return int(p.target.Load()) }

// alone reports whether nobody would steal.
func (p *Pool) alone() bool { return p.target.Load() == 1 }

// withheld returns how many seats nobody may take for now: those of retired workers, and of spares that are not kept.
func (p *Pool) withheld() int { return p.room() - p.Size() - int(p.spares.kept.Load()) }

// Resize changes the number of workers, to 1 at least and [Pool.Limit] at most. If it becomes less, tasks that have begun on
// workers that retire go on there until they end; those workers take no others. Their threads stay until the pool is closed.
// Resize does not wait for any of that. When the pool has ended it returns [ErrClosed].
func (p *Pool) Resize(n int) error {
	if n < 1 || n > p.size {
		return fmt.Errorf("pinwheel: Resize(%d): want 1 to %d", n, p.size)
	}
	p.resizing.Lock()
	defer p.resizing.Unlock()
	old := p.Size()
	p.mu.Lock()
	if p.over { // and GOMAXPROCS given back
		p.mu.Unlock()
		return ErrClosed
	}
	p.used = max(p.used, n)  // before the target: from then on Post may start a worker, which needs a place among the others
	p.target.Store(int32(n)) // first: who is taken out of a set below must see it
	if p.reserved > 0 {
		adjust(p.reserved, n+1)
		p.reserved = n + 1
	}
	p.mu.Unlock()
	if p.seq != nil {
		return nil
	}
	if n > old {
		p.grow(old, n)
	} else {
		p.shrink(n, old)
	}
	return nil
}

func (p *Pool) grow(old, n int) {
	p.place()
	p.state.Add(-uint64(n-old) * oneGuest)
	for i := old; i < n; i++ {
		if !p.retired.remove(i) {
			if p.workers[i].vacant() {
				p.guard()
			}
			continue // it is awake, or blocked
		}
		if p.workers[i].parked.Load() == neverStarted {
			p.putInto(p.idle, i)
		} else {
			p.deliver(i)
		}
	}
	if p.anyWork() { // whoever has a seat to give looks for work
		p.notify(nil)
	}
	for i := range p.procs { // those who compute have had nobody to expose work for, if there was one worker
		if v := p.procs[i].Load(); v != nil {
			v.request(0)
		}
	}
}

func (p *Pool) shrink(n, old int) {
	p.state.Add(uint64(old-n) * oneGuest)
	for i := n; i < old; i++ {
		if !p.idle.remove(i) {
			p.dismissRelief(p.workers[i])
			continue // it is awake, or blocked, and will see
		}
		if p.workers[i].parked.Load() == neverStarted {
			p.putInto(p.retired, i)
		} else {
			p.deliver(i)
		}
	}
}

// putInto puts a worker that has never been started into a set, after it was taken out of the other.
func (p *Pool) putInto(set bitset, i int) {
	set.add(i)
	if w := p.workers[i]; w.mail.any() { // whoever posted it has found the worker in neither
		p.wake(w)
	}
}

// mustRetire reports whether the worker is not one of those that take work.
func (w *worker) mustRetire() bool {
	if w.isSpare() {
		return w.seatless.Load()
	}
	return w.id >= int(w.pool.target.Load())
}

// retire is park for a worker that is not to take work.
func (w *worker) retire() {
	p := w.pool
	w.goOff()
	defer w.goOn()
	left := oneAwake
	if w.isSearching {
		left += oneSearching
	}
	w.isSearching = true // on return
	w.stats.parks.add(1)
	p.state.Add(-left)
	p.retired.add(w.id)
	if p.anyWork() {
		p.notify(nil)
	}
	if (w.anyReady() || p.stopping.Load() || !w.mustRetire()) && p.retired.remove(w.id) {
		p.state.Add(oneAwake + oneSearching)
		return
	}
	p.checkQuiet()
	w.rests()
	for w.parked.Load() == asleep { // its timers are left to the loop's thread
		atom.FutexWait(&w.parked, asleep, -1)
	}
	w.parked.Store(asleep)
	w.rises()
	w.settleDown()
}

// place works out anew who is near to whom, among the workers that have ever been used.
func (p *Pool) place() {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := victim.Machine{Topology: p.machine.Topology, CPUs: p.machine.CPUs[:p.used]}
	for _, w := range p.workers[:p.used] {
		if p.procs[w.id].Load() != nil {
			w.order.Store(victim.NewOrder(m, p.victims, w.id))
		}
	}
}

// Move pins the workers anew, and those who stand in for them, each to a set of CPUs, or unpins it if that is empty; those for whom there is no set are unpinned.
// Threads that cannot be moved stay where they are; the error says why. It may be called before and after [Pool.Resize].
func (p *Pool) Move(top *affinity.Topology, cpus []affinity.Set) error {
	p.mu.Lock()
	if p.over { // the numbers of threads may be others' by now
		p.mu.Unlock()
		return ErrClosed
	}
	p.machine.Topology = top
	for i, w := range p.workers {
		set := affinity.Set{}
		if i < len(cpus) {
			set = cpus[i]
		}
		p.machine.CPUs[i] = set
		w.cpus.Store(&set)
		w.loose.Store(false)
	}
	var first error
	p.everyWorker(func(w *worker) {
		if err := w.pinAgain(); err != nil && first == nil {
			first = err
		}
	})
	p.pinErr = first
	p.mu.Unlock()
	p.place()
	return first
}

// pinAgain pins the worker's thread, if it runs, where it belongs by now: a spare's where its seat is. The pool's mutex is held.
func (w *worker) pinAgain() error {
	thread := int(w.thread.Load())
	if thread == 0 {
		return nil
	}
	to := *w.native().cpus.Load()
	if to.IsEmpty() || w.loose.Load() {
		to = w.pool.machine.Topology.Allowed
	}
	err := affinity.PinThread(thread, to)
	if err == nil {
		w.pinned = to
	}
	return err
}

// settleDown is for a spare that has been called, maybe to another seat than the last time.
func (w *worker) settleDown() {
	if !w.isSpare() || w.native().cpus.Load().IsEmpty() { // if they have only become so, Move has seen to it
		return
	}
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	if w.loose.Swap(false) || w.pinned != *w.native().cpus.Load() {
		_ = w.pinAgain()
	}
}

// look calls what watches the machine, once in a while, as long as workers come and go. So a pool that sleeps costs nothing.
func (p *Pool) look(now time.Duration) {
	if p.watch == nil {
		return
	}
	next := p.nextLook.Load()
	if int64(now) < next || !p.nextLook.CompareAndSwap(next, int64(now+lookTime)) || next == 0 {
		return
	}
	p.running.Add(1) // a worker calls this, so it is not zero
	go func() {
		defer p.running.Done()
		if !p.stopping.Load() {
			p.watch()
		}
	}()
}

// lookTime is how often the machine is looked at. It takes some hundred microseconds.
const lookTime = 2 * time.Second
