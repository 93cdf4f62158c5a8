package worker

import (
	"sync"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// A mailbox has tasks that are to begin on one worker and no other, in the order in which they came. It is for tasks with a
// key; most programs have none, so a worker that has no mail pays for a look at one word.
//
// It is a source of work like the inbox of fibers: whoever posts makes the count rise, then wakes the worker; a worker that
// parks enters the set of the idle, then looks at the count (anyReady). The trunk takes a task out and runs it on an idle fiber.
// After that it is the turn of other work, if there is some (find).
type mailbox struct {
	n    atom.Int64 // no more than there are jobs: it rises after one was put in, and falls after it was taken out
	mu   sync.Mutex
	jobs []*Job
}

func (m *mailbox) any() bool { return m.n.Load() > 0 }

func (m *mailbox) len() int { return int(m.n.Load()) }

func (m *mailbox) put(j *Job) {
	m.mu.Lock()
	m.jobs = append(m.jobs, j)
	m.mu.Unlock()
	m.n.Add(1)
}

func (m *mailbox) take() *Job {
	if !m.any() {
		return nil
	}
	m.mu.Lock()
	j := m.jobs[0]
	m.jobs[0] = nil
	if m.jobs = m.jobs[1:]; len(m.jobs) == 0 {
		m.jobs = nil
	}
	m.mu.Unlock()
	m.n.Add(-1)
	return j
}

// Post hands over a task that is to begin on a certain worker, after those that were posted to that before. Worker numbers
// count from 0 and are taken modulo [Pool.Size]. It fails with [ErrClosed] if the pool takes no more. It does not block.
func (p *Pool) Post(worker int, r *Root) error {
	if p.seq != nil {
		return p.Submit(r)
	}
	inside := p.IsExecutor()
	for { // the visit keeps the pool from being quiet while the task is in no place
		s := p.state.Load()
		if s&closedBit != 0 && !inside {
			p.rejected.Add(1)
			return ErrClosed
		}
		if p.state.CompareAndSwap(s, s+oneVisit) {
			break
		}
	}
	r.prepare(p)
	w := p.workers[worker%p.Size()]
	w.mail.put(&r.job)
	p.wake(w)
	p.leaveSeat(oneVisit)
	return nil
}

// IsExecutor reports whether the caller runs a task of the pool, or is between two.
func (p *Pool) IsExecutor() bool {
	f := fiberHere()
	return f != nil && f.p.pool == p
}

// takeMail returns a fiber with the next task of the mail to run, or nil.
func (w *worker) takeMail() *fiber {
	j := w.mail.take()
	if j == nil {
		return nil
	}
	w.owed = true
	f := w.idleFiber()
	f.job = j
	return f
}
