package worker

import (
	"time"
	"unsafe"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// Statistics are kept by each executor for itself, by plain stores (see atom.Count), and are added up when somebody asks. Nothing
// is counted on the fast paths: a fork and a join that stay private leave no mark, which would cost more than they do. The clock
// is read when a worker is about to sleep anyway, and for one root task in sixty-four.

// A counter is written by one executor and read by anybody.
type counter struct{ n atom.Count }

func (c *counter) add(n uint64) {
	if counting {
		c.n.Add(n)
	}
}

// A mark is a counter that the protocols rely on.
type mark struct{ n atom.Uint64 }

func (m *mark) add(n uint64) { m.n.Add(n) }

type counters struct {
	tasks, cancelled, exposed, stale, failed, wakes, suspended, panicked, goexits counter

	parks  mark                  // see checkQuiet
	steals [ringsCounted]counter // by distance, as in Steals

	queued, ran histogram // of root tasks, sampled

	// Of workers.
	doing       atom.Count // a workerState
	since       atom.Count // when it began to rest or to search, if it does
	parkedFor   atom.Count // nanoseconds
	searchedFor atom.Count
}

// Distances that steals are counted by.
const (
	countedUnknown = iota
	countedCore
	countedL2
	countedL3
	countedNode
	countedRemote
	ringsCounted
)

// stole counts a steal from a victim so far away.
func (c *counters) stole(r affinity.Ring) {
	i := countedUnknown
	switch {
	case r >= affinity.Remote:
		i = countedRemote
	case r >= affinity.SameCore:
		i = countedCore + int(r-affinity.SameCore)
	case r == affinity.SameCPU:
		i = countedCore
	}
	c.steals[i].add(1)
}

// sampled returns the time, a *time.Duration, if the task of this job is one of those whose times are taken, and nil otherwise. The
// address decides: it is as good as a random number, and nobody has to share a generator or a counter. 1 in 64.
func sampled(j *Job) unsafe.Pointer {
	if !counting || uint64(uintptr(unsafe.Pointer(j))>>5)*0x9E3779B97F4A7C15>>58 != 0 {
		return nil
	}
	now := atom.Now()
	return unsafe.Pointer(&now)
}

// begun counts a root task that begins. It returns the time if it was given the time of the task's submission.
func (c *counters) begun(submitted *time.Duration) time.Duration {
	c.tasks.add(1)
	if submitted == nil {
		return 0
	}
	now := atom.Now()
	c.queued.add(now - *submitted)
	return now
}

// over counts a root task that has ended, if it was given the time when it began.
func (c *counters) over(begun time.Duration) {
	if begun != 0 {
		c.ran.add(atom.Now() - begun)
	}
}

// A workerState is what a worker does.
type workerState uint8

const (
	stateAbsent workerState = iota // its thread does not run
	stateBusy
	stateSearching
	stateParked
)

var stateNames = [...]string{"absent", "busy", "searching", "parked"}

// becomes takes note of what the worker does from now on. Going from one rest to another, it reads the clock.
func (w *worker) becomes(to workerState) {
	c := &w.stats
	from := workerState(c.doing.Load())
	if from == to || !counting {
		return
	}
	now := uint64(atom.Now())
	switch from {
	case stateSearching:
		c.searchedFor.Add(now - c.since.Load())
	case stateParked:
		c.parkedFor.Add(now - c.since.Load())
	}
	c.since.Store(now)
	w.pool.look(time.Duration(now))
	c.doing.Store(uint64(to))
}

// rests takes note that the worker is about to sleep, and rises that it has slept.
func (w *worker) rests() {
	w.becomes(stateParked)
	w.note(EventPark, 0, 0)
}

func (w *worker) rises() {
	w.stats.wakes.add(1)
	w.becomes(stateSearching)
	w.note(EventUnpark, 0, 0)
}
