package worker

import (
	"math/bits"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/victim"
)

// How a pool sleeps and wakes.
//
// A worker is awake or parked; an awake one may be searching. A pool of n workers keeps at most n executors busy, guests
// included: a seat each. The counts are in one word, the state; the parked workers are in a set of bits, idle.
//
// The two recipes are mirror images. Go's atomics are sequentially consistent, so "then" below is all the ordering there is.
//
//	To make work visible (notify):
//	  put it in a deque or the injector, then read the state.
//	  If somebody searches (in a large pool: more than a few, see victim.Enough), or every seat is taken: done.
//	  Otherwise take a worker out of idle, count it awake and searching, and set its parked word.
//
//	To park (park):
//	  stop searching: leave the counts, then enter idle, then look everywhere once more.
//	  If there is something: leave idle again and count as awake and searching; whoever finds itself taken out of idle
//	  by a waker already has been counted and takes the wake.
//	  Otherwise sleep until the parked word is set.
//
//	To stop searching because of a find (endSearch):
//	  leave the count; whoever was the last then looks whether there is more work, and notifies if there is.
//
// Why no wake is lost. Let work W become visible. Its submitter reads the state after that.
//
//   - Nobody searches and a seat is free: it wakes a worker if there is one in idle. If there is none, then every worker that
//     parks later enters idle after this look, and looks for W after that.
//   - Somebody searches. It leaves the count later than the submitter's look, hence later than W: if it finds something, then
//     as the last it looks again and sees W unless somebody has it; if it parks, it looks everywhere after that and sees W.
//   - Every seat is taken. Whoever gives up the last one of these looks for work: a worker before it parks, a guest when it is done or
//     blocks. (A guest that leaves when a seat is free already need not: whoever gave that up did, or will.)
//     A worker that parks needs not look while the seats are taken, but it must ask that after it has entered idle: had it asked
//     before, the last seat could be given up in between, by somebody who finds nobody in idle to wake. (docs/models/park.pml
//     found that.)
//
// Nor is the watch, which sees to it that a seat whose holder is blocked natively is given up (standin.go). W's submitter starts it if it
// finds every seat taken. If it goes away because somebody searches, and that one parks since the seats are taken, then nobody has:
// so a worker that parks and finds work which it may not have starts the watch in the submitter's stead.
//
// A waker takes the worker out of idle before it touches the counts. The other order — count first, then look for a worker,
// and take the count back if there is none — loses a wake: a second submitter that meets the phantom searcher goes away.
//
// A fiber that becomes ready can only run on its own worker. So makeReady wakes that worker, whatever the counts.

// The state word: four counts and two flags.
const (
	oneSearching uint64 = 1
	firstGuest   uint64 = 1 << 15 // the first of the guests is taken
	oneAwake     uint64 = 1 << 16 // workers that are not parked
	oneGuest     uint64 = 1 << 32 // guests that hold a seat
	oneVisit     uint64 = 1 << 48 // guests that run a task, those that are blocked included
	closedBit    uint64 = 1 << 63
	countMask    uint64 = 1<<16 - 1
)

func searching(s uint64) int { return int(s & (firstGuest - 1)) }
func awake(s uint64) int     { return int(s >> 16 & countMask) }
func guests(s uint64) int    { return int(s >> 32 & countMask) }

func visits(s uint64) int { return int(s &^ closedBit >> 48) }

// room returns how many seats there are, those included that nobody may take for now.
func (p *Pool) room() int { return p.size + int(p.spares.most) }

// seats returns how many executors have work.
func seats(s uint64) int { return awake(s) - searching(s) + guests(s) }

// idleSeats returns how many more executors could have work.
func (p *Pool) idleSeats() int { return max(0, p.room()-seats(p.state.Load())) }

// crowded reports whether a worker that searches would do better to leave its CPU to a guest.
func (p *Pool) crowded() bool {
	s := p.state.Load()
	return awake(s)+guests(s) > p.room()
}

// notify wakes a worker for work that the caller has made visible, unless somebody will find it anyway. from is the proc that
// the caller runs on, or nil.
func (p *Pool) notify(from *proc) {
	s := p.state.Load()
	if victim.Enough(searching(s), p.Size()) {
		return
	}
	if awake(s)+guests(s) >= p.room() {
		p.hail()
		p.guard()
		return
	}
	if i := p.nextIdle(from); i >= 0 {
		p.deliver(i)
	}
}

// deliver wakes a worker that the caller has taken out of idle.
func (p *Pool) deliver(i int) {
	p.state.Add(oneAwake + oneSearching)
	p.watchdogOn()
	w := p.byID(i)
	if w.parked.Swap(1) == neverStarted {
		p.starting(w)
		return
	}
	w.rouse()
}

// wake wakes a given worker if it is parked.
func (p *Pool) wake(w *worker) {
	if p.idle.remove(w.id) || p.retired.remove(w.id) {
		p.deliver(w.id)
	}
}

const (
	asleep       = 0
	woken        = 1
	neverStarted = 2
)

// park sleeps until somebody has a use for the worker, or it has one for itself (see doze), unless a last look finds something.
// It returns with the worker counted as awake and searching.
func (w *worker) park() {
	p := w.pool
	w.settle()
	w.goOff()
	defer w.goOn()
	left := oneAwake
	if w.isSearching {
		left += oneSearching
	}
	w.isSearching = true // on return
	w.stats.parks.add(1)
	p.state.Add(-left)
	p.idle.add(w.id)
	s := p.state.Load() // after entering idle: whoever gives up a seat before this saw no worker to wake
	seatFree := awake(s)+guests(s) < p.room()
	if (seatFree && p.anyWork() || p.anyPrompt() || w.anyReady() || p.stopping.Load()) && p.idle.remove(w.id) {
		p.state.Add(oneAwake + oneSearching)
		return
	}
	if !seatFree && p.anyWork() {
		p.guard()
	}
	p.checkQuiet()
	w.rests()
	for w.parked.Load() == asleep {
		if w.doze() {
			w.rises()
			return
		}
	}
	w.parked.Store(asleep)
	w.rises()
}

// beginSearch counts the worker as searching, unless half of the workers search already: more would only get into each
// other's way.
func (p *Pool) beginSearch() bool {
	if s := p.state.Load(); 2*searching(s) >= p.Size() && searching(s) > 0 {
		return false
	}
	p.state.Add(oneSearching)
	return true
}

// endSearch takes a searching worker out of the count. It reports whether it was the last one.
func (p *Pool) endSearch() bool { return searching(p.state.Add(^(oneSearching - 1))) == 0 }

// anyWork reports whether there is work that any worker could take.
func (p *Pool) anyWork() bool {
	if !p.injector.empty() || p.anyPrompt() {
		return true
	}
	for i := range int(p.procsUsed.Load()) {
		if v := p.procs[i].Load(); v != nil && !v.thief.Empty() {
			return true
		}
	}
	return false
}

// A bitset is a set of small numbers that many change at once.
type bitset []atom.Uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) add(i int) { b[i/64].Or(1 << (i % 64)) }

// remove takes i out and reports whether it was in.
func (b bitset) remove(i int) bool {
	bit := uint64(1) << (i % 64)
	return b[i/64].Load()&bit != 0 && b[i/64].And(^bit)&bit != 0
}

// take takes some element out, not avoid if there is another. It returns -1 if there is none.
func (b bitset) take(avoid int) int {
	for i := range b {
		for {
			word := b[i].Load()
			if avoid >= 0 && avoid/64 == i {
				word &^= 1 << (avoid % 64)
			}
			if word == 0 {
				break
			}
			if n := i*64 + bits.TrailingZeros64(word); b.remove(n) {
				return n
			}
		}
	}
	if avoid >= 0 && b.remove(avoid) {
		return avoid
	}
	return -1
}
