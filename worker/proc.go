package worker

import (
	"math/rand/v2"
	"sync/atomic"

	"github.com/pinwheel-sched/pinwheel/deque"
	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/victim"
)

// A proc is what every executor of tasks has, a worker as well as a guest: the public deque that thieves steal from, and the
// words by which others ask for its attention.
type proc struct {
	pool   *Pool
	worker *worker // that it is a part of, or nil:
	guest  *guest  // then it is this one's, or pool.seq's
	id     int     // index in pool.procs
	thief  deque.Thief[Job]
	_      [128]byte

	// Written by others.
	wanted atom.Uint32          // what others want of the running fiber: the flags below
	duty   atom.Uint32          // see standin.go
	relief atom.Pointer[worker] // who stands in for it
	look   look                 // the watch's
	ask    ask                  // the watchdog's
	_      [128]byte

	// Written by the owner, read by others.
	cur   atom.Pointer[fiber] // the fiber that runs on it
	stats counters
	_     [128]byte

	// Of a worker: replaced when workers are moved.
	order atomic.Pointer[victim.Order]
	trace atomic.Pointer[ring] // nil while nothing is traced

	// The owner's.
	own       deque.Owner[Job]
	standby   *Root                           // see StandBy
	fiberMain func(yield func(struct{}) bool) // see body
	rng       rand.PCG
	watches   watches
}

const (
	wantSwitch uint32 = 1 << iota // a fiber of this worker is ready
	wantStop                      // the pool is stopping
	wantReturn                    // somebody stands in for the worker
	wantSign                      // the watchdog wants to know whether it still passes safe points
	wantWord                      // the watch wants to know whether it still passes safe points
)

// init makes the deque. It is for the owner to call, so that the memory is on its node.
func (p *proc) init(id int) {
	p.own, p.thief = deque.New[Job](64)
	p.rng.Seed(uint64(id), 0x9E3779B97F4A7C15)
}

// request asks the running fiber to look up at its next safe point, for the reasons in flags.
//
// The order is: flags, then the fiber, then its attention word. A worker that switches fibers stores the new one and then
// reads the flags (run). So either it sees the flags, or the fiber loaded here is the new one.
func (p *proc) request(flags uint32) {
	if flags != 0 && p.wanted.Load()&flags != flags {
		p.wanted.Or(flags)
	}
	if f := p.cur.Load(); f != nil && f.attn.Load() == 0 {
		f.attn.Store(1)
	}
}

// run makes f the fiber that others reach through the proc.
func (p *proc) run(f *fiber) {
	if p.cur.Load() != f {
		p.cur.Store(f)
	}
	if p.wanted.Load() != 0 && f.attn.Load() == 0 {
		f.attn.Store(1)
	}
}

// withdraw takes the entry of a reclaimed job off the deque, if it is the youngest. Otherwise it stays behind as a stale one.
func (p *proc) withdraw(j *Job) {
	if x := p.own.Pop(); x != nil && x != j {
		p.own.Push(x)
	}
}
