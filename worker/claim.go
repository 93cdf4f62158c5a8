package worker

import (
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/tick"
)

// A root task may be on offer: the goroutine that awaits it takes it over and runs it itself, as a guest, if no worker has begun
// it by then. So a task that is awaited at once does not have to go to another core and come back.
//
// Where that has happened before, such a task is in the pool's pocket (late.go), and whoever takes it out has it. Otherwise it waits in
// the injector:
//
//	           claim: a worker that has popped it, or the goroutine that awaits it
//	jobOffered ---------------------------------------------------------------------> jobClaimed
//
// The injector's entry is a hint, as a deque's is for a fork: a worker that finds the job claimed drops it. For everything
// else an entry is work until it has been popped: a worker that is awake for it sleeps again, and a pool is not quiet before.
// Lest entries pile up while workers have no seat, who claims a task takes those off the injector's front that are claimed.
//
// Who takes a task over needs a seat, and takes that first. If the task has begun meanwhile, it gives the seat back.

// Offer hands over a task as [Pool.Submit] does, to be taken over by who awaits it.
func (p *Pool) Offer(r *Root) error {
	if p.seq != nil {
		return p.Submit(r)
	}
	r.prepare(p)
	if p.pocket(r) {
		return nil
	}
	r.job.offer()
	return p.inject(&r.job)
}

// offer is for a job that is going to be in the injector.
func (j *Job) offer() {
	j.run = runOffered
	j.state.Store(jobOffered)
}

// claim decides between those who want to run a task that is on offer.
func (j *Job) claim() bool {
	return j.state.Load() == jobOffered && j.state.CompareAndSwap(jobOffered, jobClaimed)
}

// runOffered is the run function of tasks that are on offer, for those who find them in a queue.
func runOffered(f *fiber, j *Job) {
	if j.claim() {
		runRoot(f, j)
	}
}

// AwaitedOnOffer is Awaited for a task that is on offer. If the caller waits firmly, it runs the task to its end on the calling
// goroutine, if it has not begun, there is a free seat for it, and the goroutine is not a task's. A task from a place whose last one was
// long is left to the workers. If the task has begun elsewhere, it waits a little for its end.
func (r *Root) AwaitedOnOffer(firmly bool) (itself bool) {
	f := fiberHere()
	if r.runsOn(f) {
		return true
	}
	switch p := r.task.pool; {
	case p.seq != nil:
	case f != nil || !firmly || p.brief.lacks(Code(r.job.site.PC())):
		p.turnOut(&r.job)
	default:
		r.takeOver()
	}
	return false
}

func (r *Root) takeOver() {
	p := r.task.pool
	switch g, begun := r.seize(); {
	case g == nil && begun:
		r.awaitEnd()
	case g == nil:
	case r.job.state.Load() != jobClaimed: // out of the pocket: no clock is read, since the watch is on, and ends if this takes long
		p.late.taken.Add(1)
		g.familiar = p.late.recognise(r.task.parent)
		g.host(r)
	default:
		c, began := Code(r.job.site.PC()), tick.Now()
		p.tookOver(c, began)
		g.host(r)
		p.Took(c, began)
	}
}

// seize takes a seat and the task, and returns the guest that has both. Otherwise there is none, and begun says that somebody else has the
// task; or else it is left to the workers.
func (r *Root) seize() (g *guest, begun bool) {
	p := r.task.pool
	if p.late.pocket.Load() != &r.job && r.job.state.Load() != jobOffered {
		return nil, true
	}
	if g = p.admit(false); g == nil {
		p.turnOut(&r.job)
		return nil, false
	}
	if p.takeOut(r) {
		return g, true
	}
	if r.job.claim() {
		p.injector.dropClaimed()
		return g, true
	}
	g.leave()
	return nil, true
}

// claimedSpin is how long a goroutine looks for the end of a task that it came too late for: less than it costs to block, and to
// be woken by another thread.
const claimedSpin = 5 * time.Microsecond

// awaitEnd waits for the end of the task, which somebody else has begun, for a short time.
func (r *Root) awaitEnd() {
	for end := atom.Now() + claimedSpin; r.task.home.Load() != ended && atom.Now() < end; {
		atom.Yield()
	}
}

// dropClaimed takes jobs that were claimed off the front. If somebody else pops, that will see to them.
func (q *injector) dropClaimed() {
	if !q.begin() {
		return
	}
	defer q.popping.Store(0)
	for b := q.head.Load(); b != nil; b = b.next.Load() {
		q.head.Store(b)
		from := b.popped.Load()
		for ; from < b.pushed.Load(); from++ {
			if b.slots[from].Load().state.Load() != jobClaimed {
				return
			}
			b.slots[from].Store(&goneJob)
			b.popped.Store(from + 1)
		}
		if from < blockSlots {
			return
		}
	}
}
