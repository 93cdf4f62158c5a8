package worker

import (
	"iter"
	"time"

	"github.com/pinwheel-sched/pinwheel/deque"
	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/gid"
)

// A guest runs one root task for a goroutine that waits for it, in coroutines of that goroutine. It has a deque, so workers
// steal from it.
//
// Starting work from outside is so cheap this way: no thread has to be woken before the work begins, and a region that is over
// in a microsecond costs a microsecond. Waking a parked worker takes tens of microseconds in a virtual machine, and handing
// over to another goroutine wakes a thread as well. The task does not run on the caller's goroutine itself because it may call
// runtime.Goexit, which must end the task and not the caller. To make a coroutine takes 0.3 us, so the guest keeps one for its next
// caller. But a caller that is locked to its thread could not resume what another goroutine has made, nor any other what it makes
// itself: it has one of its own, which ends with the task.
//
// A guest holds one of the pool's seats, so that with it not more than the pool's size compute. While its task waits for a
// stolen fork, it helps: it steals, but only forks of its own root task, its region. So it never runs a stranger's task, for
// which its caller would have to wait, and no other worker need be woken to take its place. (Leapfrogging, Wagner and Calder
// 1993, has the same aim; a guest that finds nothing of its own gives up its seat and blocks.)
type guest struct {
	proc
	region   *Task     // the root task
	first    *Job      // the same, as a job
	forks    bool      // the last region had forks to steal, so the next one probably has
	joins    int       // fibers that are suspended for a stolen fork
	familiar *familiar // what is known of the root task's context, or nil
	spare    []*fiber  // fibers that run nothing and have no goroutine
	rested   *fiber    // a lasting one, which runs nothing and has one; or nil

	inbox atom.Pointer[fiber] // fibers that are ready again, a stack
	ready chan struct{}       // has room for one; tells a guest that blocks to look at the inbox
}

// guestSpin is how long a guest looks before it blocks: about what blocking and being woken cost. So it takes at most twice as
// long as the better of the two would have.
const guestSpin = 70 * time.Microsecond

// admit takes a seat for a guest, and a guest to go with it. It returns nil if there is none, unless there shall be one too many
// anyway. Most of the time there is one guest at most, so the first of them is taken together with the seat.
func (p *Pool) admit(anyway bool) *guest {
	for {
		s := p.state.Load()
		if s&closedBit != 0 || !anyway && seats(s) >= p.room() {
			return nil
		}
		if p.state.CompareAndSwap(s, (s+oneGuest+oneVisit)|firstGuest) {
			if s&firstGuest == 0 {
				return p.guestAt(0)
			}
			break
		}
	}
	i := p.freeGuests.take(-1)
	if i < 0 { // all are blocked
		p.leaveSeat(oneGuest + oneVisit)
		return nil
	}
	return p.guestAt(i)
}

func (p *Pool) guestAt(i int) *guest {
	if g := p.guests[i].Load(); g != nil {
		return g
	}
	return p.newGuest(i)
}

func (p *Pool) newGuest(i int) *guest {
	g := &guest{ready: make(chan struct{}, 1)}
	g.pool, g.id, g.guest = p, p.size+i, g
	g.init(g.id)
	p.guests[i].Store(g)
	p.procs[g.id].Store(&g.proc)
	g.joinTrace()
	p.reach(g.id)
	return g
}

// reach makes those who go through the procs go as far as id.
func (p *Pool) reach(id int) {
	for {
		n := p.procsUsed.Load()
		if n > uint32(id) || p.procsUsed.CompareAndSwap(n, uint32(id)+1) {
			return
		}
	}
}

// host runs a root task to its end. It is the guest's trunk.
func (g *guest) host(r *Root) {
	if g.forks {
		g.pool.notify(&g.proc) // before the fork is made: it takes a parked worker longer to come
	}
	g.goOn()
	g.pool.watchdogOn()
	exposed := g.stats.exposed.n.Load()
	defer g.depart(exposed)
	g.region, g.first = &r.task, &r.job
	f, free := g.rested, gid.Free()
	if free && f != nil {
		g.rested, f.job = nil, &r.job
	} else {
		f = g.fiber(&r.job, free)
	}
	for running := 1; ; {
		g.run(f)
		g.note(EventSwitch, 0, f.number())
		f.switchTo()
		switch f.status {
		case fiberIdle, fiberDead:
			if f.lasting && f.status == fiberIdle {
				f.forget()
				g.rested = f
			} else {
				g.spare = append(g.spare, f)
			}
			if running--; running == 0 {
				return
			}
		case fiberJoins:
			g.joins++
		case fiberSuspended:
		}
		j := (*Job)(nil)
		if f, j = g.next(); j != nil {
			f = g.fiber(j, false)
			running++
		}
	}
}

// fiber returns a fiber that is going to run j and end, or rest if it is a lasting one.
func (g *guest) fiber(j *Job, lasting bool) *fiber {
	var f *fiber
	if n := len(g.spare) - 1; n >= 0 {
		f, g.spare = g.spare[n], g.spare[:n]
	} else {
		f = &fiber{p: &g.proc}
		f.init()
	}
	f.job, f.lasting = j, lasting
	f.next, _ = iter.Pull(g.body())
	return f
}

// next waits for a fiber that is ready, or for a fork to help with.
func (g *guest) next() (*fiber, *Job) {
	for end := atom.Now() + guestSpin; ; {
		if f := g.takeReady(); f != nil {
			return f, nil
		}
		if g.joins > 0 {
			if j := g.help(); j != nil {
				return nil, j
			}
		}
		if atom.Now() < end {
			atom.Yield()
			continue
		}
		g.goOff()
		g.pool.leaveSeat(oneGuest)
		g.note(EventPark, 0, 0)
		<-g.ready
		g.note(EventUnpark, 0, 0)
		g.pool.state.Add(oneGuest)
		g.goOn()
	}
}

// help steals a fork of the region.
func (g *guest) help() *Job {
	for i := range int(g.pool.procsUsed.Load()) {
		v := g.pool.procs[i].Load()
		if v == nil || v == &g.proc || v.thief.Empty() {
			continue
		}
		j, status := g.steal(v)
		if status != deque.OK {
			continue
		}
		if j.isFork() {
			if t := (*segment)(j.what).task.Load(); t != nil && t.top() == g.region {
				return j
			}
		}
		g.own.Push(j) // a stranger's: it waits here as well as there
		g.pool.notify(&g.proc)
	}
	return nil
}

// makeReady puts a fiber into the inbox and sees to it that the guest looks there. It may be called from anywhere.
func (g *guest) makeReady(f *fiber) {
	ready := g.ready // the guest may be gone after the push
	for {
		top := g.inbox.Load()
		f.link = top
		if g.inbox.CompareAndSwap(top, f) {
			break
		}
	}
	select {
	case ready <- struct{}{}:
	default: // it has been told
	}
}

func (g *guest) takeReady() *fiber {
	if g.inbox.Load() == nil {
		return nil
	}
	for {
		f := g.inbox.Load()
		if g.inbox.CompareAndSwap(f, f.link) { // only the guest takes out, so f is still linked
			f.link = nil
			if f.status == fiberJoins {
				g.joins--
			}
			return f
		}
	}
}

// depart gives up the seat.
func (g *guest) depart(exposed uint64) {
	g.forks = g.stats.exposed.n.Load() != exposed
	left := false
	for !g.own.Empty() {
		j := g.own.Pop()
		if j == nil {
			break
		}
		switch j.state.Load() {
		case jobRoot, jobOffered:
			left = true
			g.pool.injector.putBack(j)
		case jobExposed: // a stranger's fork, of which there may be another entry elsewhere
			left = true
			g.pool.injector.putBack(&Job{run: func(f *fiber, _ *Job) { j.run(f, j) }})
		}
	}
	if left {
		g.pool.notify(&g.proc) // for a moment they were in no queue, where a worker may have looked that was awake for them
	}
	g.region, g.first, g.familiar = nil, nil, nil
	for _, f := range g.spare {
		f.forget()
	}
	g.goOff()
	g.leave()
}

// leave gives the guest back to the pool, and its seat.
func (g *guest) leave() {
	left := oneGuest + oneVisit
	if i := g.id - g.pool.size; i == 0 {
		left += firstGuest
	} else {
		g.pool.freeGuests.add(i)
	}
	g.pool.leaveSeat(left)
}

// endRested ends the fibers that guests have kept. For a pool in which nobody is a guest any more.
func (p *Pool) endRested() {
	ended := make(chan struct{})
	go func() { // on a goroutine that is not locked to its thread, since those that made them were not
		defer close(ended)
		for i := range p.guests {
			if g := p.guests[i].Load(); g != nil && g.rested != nil {
				g.rested.dismiss()
			}
		}
	}()
	<-ended
}

// leaveSeat gives up a seat, and if it was the last one that was taken, looks whether somebody should take it: whoever made work
// visible while all were taken has relied on that.
func (p *Pool) leaveSeat(what uint64) {
	s := p.state.Add(-what)
	if awake(s)+guests(s) == p.room()-1 && p.anyWork() {
		p.notify(nil)
	}
	if s&closedBit != 0 {
		p.checkQuiet()
	}
}
