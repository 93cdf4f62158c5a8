package worker

import (
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// Prompt tasks are those that begin at the next safe point of any worker, and not when a worker has run out of what it has:
// callbacks of timers, handlers of descriptors. So they are prompt while all workers compute, as fibers are whose wait is over.
//
// They have a queue of their own, which workers look at before everything else:
//
//	To submit one (Prompt):
//	  put it in the queue, then notify: that wakes a worker if one should be woken, and if all seats are taken and nobody
//	  searches, asks for the attention of some workers (hail).
//
//	At a safe point (service):
//	  clear the attention word and the flags, then look at the queue. If it has something, give way: the trunk takes it out and
//	  runs it on a fiber of its own.
//
// Nothing depends on the hail for more than promptness: the queue is part of anyWork, so no worker parks while it has
// something. Whoever was searching when the task was submitted, and stops because of another find, notifies again (endSearch),
// and so hails.

// Prompt hands over a task as [Pool.Submit] does, to be begun as soon as possible. It does not block. It may be called from
// anywhere, a [Loop] included.
func (p *Pool) Prompt(r *Root) error {
	r.prepare(p)
	if q := p.seq; q != nil {
		return q.submit(&r.job, q.isOutside())
	}
	if !p.looper.prompt.push(&r.job) {
		return ErrClosed
	}
	p.notify(nil)
	return nil
}

// A prompt task does not make way for other prompt tasks before promptTurn has passed: otherwise, when many come at once, each
// would stand half begun on a fiber of its own.
const promptTurn = 100 * time.Microsecond

// mustMakeWay reports whether f's worker has something that is more urgent than what f runs. If that is only a matter of time,
// it has f ask again at the next safe point.
func (f *fiber) mustMakeWay() bool {
	w := f.p.worker
	if w.anyWoken() {
		return true
	}
	if !f.p.pool.anyPrompt() {
		return false
	}
	if w.promptly != f || atom.Now() >= w.promptSince+promptTurn {
		return true
	}
	f.p.request(wantSwitch)
	return false
}

// anyPrompt reports whether there is a prompt task.
func (p *Pool) anyPrompt() bool { return p.looper.make != nil && !p.looper.prompt.empty() }

// nextPrompt takes one, the oldest.
func (p *Pool) nextPrompt() *Job {
	if !p.anyPrompt() {
		return nil
	}
	return p.looper.prompt.next()
}

// nextPrompt is that of the pool, for a worker that may have other work as well: once in a while, after many prompt tasks in a
// row, that comes first. So prompt tasks starve nobody.
func (w *worker) nextPrompt() *Job {
	if w.prompts >= fairTurn {
		w.prompts = 0
		return nil
	}
	j := w.takePrompt()
	if j == nil {
		w.prompts = 0
	} else {
		w.prompts++
	}
	return j
}

// takePrompt takes one for the worker's current fiber to run, whose turn begins.
func (w *worker) takePrompt() *Job {
	j := w.pool.nextPrompt()
	if j != nil {
		w.promptly, w.promptSince = w.cur.Load(), atom.Now()
	}
	return j
}

// mostHailed is how many workers are asked to look up for a prompt task. One will take it; but one alone might be far from its
// next safe point.
const mostHailed = 4

// hail sees to prompt tasks when all seats are taken. If a guest has one, a worker sleeps that can be woken, though there is one
// too many then; otherwise it asks for the attention of workers that compute.
func (p *Pool) hail() {
	if !p.anyPrompt() {
		return
	}
	if i := p.idle.take(-1); i >= 0 {
		p.deliver(i)
		return
	}
	first := 0
	n := p.Size()
	if n > mostHailed {
		first = int(p.looper.hails.Add(mostHailed)) % n
	}
	for i := range min(n, mostHailed) {
		p.workers[(first+i)%n].request(wantSwitch)
	}
}
