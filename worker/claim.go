package worker

import (
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/tick"
)

// A root task that waits in the injector may be on offer: the goroutine that awaits it takes it over and runs it itself, as a
// guest, if no worker has begun it by then. So a task that is awaited at once does not have to go to another core and come back.
//
//	          claim: a worker that has popped it, or the goroutine that awaits it
//	jobRoot ---------------------------------------------------------------------> jobClaimed
//
// The injector's entry is a hint, as a deque's is for a fork: a worker that finds the job claimed drops it. For everything
// else an entry is work until it has been popped: a worker that is awake for it sleeps again, and a pool is not quiet before.
// Lest entries pile up while workers have no seat, who claims a task takes those off the injector's front that are claimed.
//
// Who takes a task over needs a seat, and takes that first. If the task has begun meanwhile, it gives the seat back.

// Offer lets the task be taken over. It is called before [Pool.Submit].
func (r *Root) Offer() { r.job.run = runOffered }

// claim decides between those who want to run a task that is on offer.
func (j *Job) claim() bool {
	return j.state.Load() == jobRoot && j.state.CompareAndSwap(jobRoot, jobClaimed)
}

// runOffered is the run function of tasks that are on offer, for those who find them in a queue.
func runOffered(f *fiber, j *Job) {
	if j.claim() {
		runRoot(f, j)
	}
}

// RunNow runs a task that is on offer to its end on the calling goroutine, if it has not begun, there is a free seat for it, and the
// goroutine is not a task's. A task from a place whose last one was long is left to the workers. If the task has begun elsewhere, RunNow
// waits a little for its end.
func (r *Root) RunNow() {
	p, c := r.task.pool, Code(r.job.site.PC())
	if p.seq != nil {
		return
	}
	if fiberHere() != nil || p.brief.lacks(c) {
		p.notTaken(r)
		return
	}
	if r.job.state.Load() != jobRoot {
		r.awaitEnd()
		return
	}
	g := p.admit(false)
	if g == nil {
		p.notTaken(r)
		return
	}
	if !r.job.claim() {
		g.leave()
		r.awaitEnd()
		return
	}
	p.injector.dropClaimed()
	began := tick.Now()
	p.tookOver(c, began)
	g.host(r)
	p.Took(c, began)
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
