package worker

import (
	"runtime"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/tick"
)

// A task that is going to be taken over at once (see claim.go) needs no queue and no worker. To wake one takes several times as long as
// such a task: the call of the kernel, and then the worker that looks for the task, in the very words that the caller writes. So
// where the last task of the same place was taken over, the next one stays in the pool's pocket, where nobody looks but who awaits it.
//
// Somebody must see to it if it is not taken over after all. That is a goroutine, the late watch, that looks every lateTick while
// tasks are taken over in quick succession. It is begun by such a succession and ends soon after it, and only while it is on is
// the pocket used. What has been in there for a tick it turns out: it moves it to the injector, and wakes a worker.
//
//	                pocket           takeOut
//	            +-----------> a task ---------> nil
//	closed <-- nil                |
//	            ^                 | turnOut
//	            +---- moving <----+
//
// No task is left behind:
//
//   - who submits: put the task into the pocket; then see whether the watch is on; if not, turn it out.
//   - the watch, to end: be off; then see whether there is a task; if so, turn it out.
//
// Who wanted to take a task over and could not turns it out himself. So does who closes the pool, and leaves the pocket closed
// before the closed bit is set: a pool that is found quiet has nothing in there, nor between there and the injector.
type lateWatch struct {
	on     atom.Uint32
	code   atom.Uint64 // of the place whose task was taken over last
	last   atom.Count  // when that was, a tick.Count: a hint, which guests may overwrite, as is:
	taken  atom.Count  // how many have been taken out of the pocket
	pocket atom.Pointer[Job]

	familiar atom.Pointer[familiar]
	met      atom.Count // the address of the context met last
}

// movingJob is in the pocket while a task moves from there to the injector: nobody closes the pocket meanwhile. closedJob is in a closed one.
var movingJob Job

const (
	lateTick  = 50 * time.Microsecond // about what it takes to wake a worker
	lateTicks = 20                    // without a task that was taken over, and the watch ends
)

// pocket keeps a task for who is going to await it. It reports whether it did.
func (p *Pool) pocket(r *Root) bool {
	l, c := &p.late, uint64(r.job.site.PC())
	if c == 0 || l.on.Load() == 0 || l.code.Load() != c || !l.pocket.CompareAndSwap(nil, &r.job) {
		return false
	}
	if l.on.Load() == 0 {
		p.turnOut(&r.job)
	}
	return true
}

// takeOut takes a task out of the pocket, to be run at once. It reports false if it is not there.
func (p *Pool) takeOut(r *Root) bool {
	l := &p.late
	return l.pocket.Load() == &r.job && l.pocket.CompareAndSwap(&r.job, nil)
}

// inPocket returns the task in the pocket, or nil.
func (p *Pool) inPocket() *Job {
	if j := p.late.pocket.Load(); j != &movingJob && j != &closedJob {
		return j
	}
	return nil
}

// turnOut moves a task from the pocket to the injector, if it is in the pocket. j may be nil.
func (p *Pool) turnOut(j *Job) {
	l := &p.late
	if j == nil || l.pocket.Load() != j || !l.pocket.CompareAndSwap(j, &movingJob) {
		return
	}
	j.offer()
	p.injector.putBack(j)
	l.pocket.Store(nil)
	p.notify(nil)
}

// closePocket turns out what is in the pocket, and leaves it closed.
func (p *Pool) closePocket() {
	l := &p.late
	for l.pocket.Load() != &closedJob && !l.pocket.CompareAndSwap(nil, &closedJob) {
		p.turnOut(p.inPocket())
		if l.pocket.Load() == &movingJob {
			atom.Yield()
			runtime.Gosched()
		}
	}
}

// tookOver notes that a task of the place c is being taken over. It is called by a guest of the pool, which therefore is not closed
// meanwhile.
func (p *Pool) tookOver(c Code, now tick.Count) {
	l := &p.late
	before := tick.Count(l.last.Load())
	l.last.Store(uint64(now))
	if l.code.Load() != uint64(c) {
		l.code.Store(uint64(c))
		return
	}
	if l.on.Load() == 0 && tick.Since(before) < lateTick && l.on.CompareAndSwap(0, 1) {
		p.running.Add(1)
		go p.watchLate()
	}
}

func (p *Pool) watchLate() {
	defer p.running.Done()
	l := &p.late
	seen := l.last.Load() + l.taken.Load()
	var there *Job
	for idle := 0; idle < lateTicks && !p.stopping.Load(); idle++ {
		time.Sleep(lateTick)
		if sum := l.last.Load() + l.taken.Load(); sum != seen {
			seen, idle = sum, 0
		}
		j := p.inPocket()
		if j == there {
			p.turnOut(j)
		}
		there = j
	}
	p.endLate()
}

// endLate is the last thing that the watch does.
func (p *Pool) endLate() {
	p.late.on.Store(0) // then look: the mirror image of pocket
	p.turnOut(p.inPocket())
	p.late.familiar.Store(nil)
}
