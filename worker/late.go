package worker

import (
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/tick"
)

// A task that is going to be taken over at once (see claim.go) needs no worker, and to wake one takes several times as long as such
// a task: the call of the kernel, and then the worker that looks for the task, in the very words that the caller writes. So where
// the last task of the same place was taken over, the next one wakes nobody, if it is the only one in the queue.
//
// Somebody must see to it if it is not taken over after all. That is a goroutine, the late watch, that looks every lateTick while
// tasks are taken over in quick succession. It is begun by such a succession and ends soon after it, and only while it is on are
// wakes left out. No task is left behind:
//
//   - who submits: push the task; then see whether the watch is on; if not, wake a worker.
//   - the watch, to end: be off; then see whether there is a task; if so, wake a worker.
//
// Who wanted to take a task over and could not wakes a worker himself.
type lateWatch struct {
	on   atom.Uint32
	code atom.Uint64 // of the place whose task was taken over last
	last atom.Uint64 // when that was, a tick.Count
}

const (
	lateTick  = 50 * time.Microsecond // about what it takes to wake a worker
	lateTicks = 20                    // without a task that was taken over, and the watch ends
)

// notifyOf wakes a worker for a task that has been pushed, unless that can wait.
func (p *Pool) notifyOf(r *Root) {
	l, c := &p.late, uint64(r.job.site.PC())
	if c != 0 && l.code.Load() == c && l.on.Load() != 0 && p.injector.count(2) < 2 {
		return
	}
	p.notify(nil)
}

// notTaken wakes the worker that notifyOf has left asleep, if it has, for a task that could not be taken over.
func (p *Pool) notTaken(r *Root) {
	if p.late.on.Load() != 0 && r.job.state.Load() == jobRoot {
		p.notify(nil)
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
	seen, oldest := p.late.last.Load(), position{}
	for idle := 0; idle < lateTicks && !p.stopping.Load(); idle++ {
		time.Sleep(lateTick)
		if last := p.late.last.Load(); last != seen {
			seen, idle = last, 0
		}
		at, some := p.injector.oldest()
		if some && at == oldest {
			p.notify(nil) // it has been there for a tick
		}
		oldest = at
	}
	p.late.end(p)
}

// end is the last thing that the watch does.
func (l *lateWatch) end(p *Pool) {
	l.on.Store(0) // then look: the mirror image of notifyOf
	if !p.injector.empty() {
		p.notify(nil)
	}
}
