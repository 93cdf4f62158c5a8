package worker

// A guest runs one task for a goroutine that waits for it. It is an ordinary goroutine with a deque, so workers steal from
// it, but it neither steals nor runs what others submit.
//
// Starting work from outside is so cheap this way: no thread has to be woken before the work begins, and a region that is over
// in a microsecond costs a microsecond. A parked worker takes some tens of microseconds to wake in a virtual machine. The
// goroutine is the pool's, not the caller's, because a task may call runtime.Goexit.
//
// A guest holds one of the pool's seats, so that with it not more than the pool's size compute. It gives the seat up while it
// waits.
type guest struct {
	proc
	f    fiber
	root chan *Root // has room for one, so that handing over never blocks
	gone chan struct{}
}

// guestSpin is how often a guest looks before it blocks. Blocking costs a goroutine switch and, with no other goroutine to
// run, a thread's sleep; so it is worth more than for a worker, which has other work to do.
const guestSpin = 1500

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
	g := &guest{root: make(chan *Root, 1), gone: make(chan struct{})}
	g.pool, g.id = p, p.size+i
	g.init(g.id)
	g.f.init()
	g.f.p, g.f.guest = &g.proc, g
	g.f.ready = make(chan struct{}, 1)
	p.register(&g.f)
	p.guests[i].Store(g)
	p.procs[g.id].Store(&g.proc)
	for {
		n := p.procsUsed.Load()
		if n > uint32(g.id) || p.procsUsed.CompareAndSwap(n, uint32(g.id)+1) {
			break
		}
	}
	go g.main()
	return g
}

func (g *guest) main() {
	defer func() {
		g.f.vanish()
		select {
		case <-g.gone:
		default:
			go g.main() // a task has called runtime.Goexit
		}
	}()
	g.f.arrive()
	g.cur.Store(&g.f)
	for r := range g.root {
		r.job.run(&g.f, &r.job)
	}
	close(g.gone)
}

// depart gives up the seat at the end of a task, before whoever waits for it learns that it has ended.
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
