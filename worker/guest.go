package worker

import (
	"iter"
	"time"
)

// A guest runs one task for a goroutine that waits for it, as a coroutine of that goroutine. It has a deque, so workers steal
// from it, but it neither steals nor runs what others submit.
//
// Starting work from outside is so cheap this way: no thread has to be woken before the work begins, and a region that is over
// in a microsecond costs a microsecond. Waking a parked worker takes tens of microseconds in a virtual machine, and handing
// over to another goroutine wakes a thread as well. The task does not run on the caller's goroutine itself because it may call
// runtime.Goexit, which must end the task and not the caller. The coroutine is made anew each time (0.3 us): one that was made
// by another goroutine could not be resumed by one that is locked to its thread.
//
// A guest holds one of the pool's seats, so that with it not more than the pool's size compute. It gives the seat up while it
// waits.
type guest struct {
	proc
	f fiber
}

// guestSpin is how long a guest looks before it blocks: about what blocking and being woken cost. So it takes at most twice as
// long as the better of the two would have.
const guestSpin = 70 * time.Microsecond

// admit takes a seat for a guest. It returns nil if there is none.
func (p *Pool) admit() *guest {
	for {
		s := p.state.Load()
		if s&closedBit != 0 || seats(s) >= p.size {
			return nil
		}
		if p.state.CompareAndSwap(s, s+oneGuest+oneVisit) {
			break
		}
	}
	i := p.freeGuests.take(-1)
	if i < 0 { // all are blocked
		p.leaveSeat(oneGuest + oneVisit)
		return nil
	}
	if g := p.guests[i].Load(); g != nil {
		return g
	}
	return p.newGuest(i)
}

func (p *Pool) newGuest(i int) *guest {
	g := &guest{}
	g.pool, g.id = p, p.size+i
	g.init(g.id)
	g.f.init()
	g.f.p, g.f.guest = &g.proc, g
	g.f.ready = make(chan struct{}, 1)
	p.register(&g.f)
	g.cur.Store(&g.f)
	p.guests[i].Store(g)
	p.procs[g.id].Store(&g.proc)
	for {
		n := p.procsUsed.Load()
		if n > uint32(g.id) || p.procsUsed.CompareAndSwap(n, uint32(g.id)+1) {
			break
		}
	}
	return g
}

// host runs a task to its end.
func (g *guest) host(r *Root) {
	defer g.depart()
	defer func() {
		if e := recover(); e != nil && e != (goexit{}) {
			panic(e) // a bug of ours: tasks' panics do not get here
		}
	}()
	next, _ := iter.Pull(func(func(struct{}) bool) {
		g.f.arrive()
		returned := false
		defer func() {
			g.f.vanish()
			if !returned {
				panic(goexit{})
			}
		}()
		r.job.run(&g.f, &r.job)
		returned = true
	})
	next()
}

// depart gives up the seat.
func (g *guest) depart() {
	for {
		j := g.own.Pop()
		if j == nil {
			break
		}
		if j.state.Load() == jobRoot {
			g.pool.injector.putBack(j)
		}
	}
	g.f.forget()
	g.pool.freeGuests.add(g.id - g.pool.size)
	g.pool.leaveSeat(oneGuest + oneVisit)
}

// block suspends the guest's fiber.
func (g *guest) block() {
	g.pool.leaveSeat(oneGuest)
	<-g.f.ready
	g.pool.state.Add(oneGuest)
}

// leaveSeat gives up a seat and looks whether somebody should take it.
func (p *Pool) leaveSeat(what uint64) {
	s := p.state.Add(-what)
	if p.anyWork() {
		p.notify(nil)
	}
	if s&closedBit != 0 {
		p.checkQuiet()
	}
}
