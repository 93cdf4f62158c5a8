package worker

import (
	"time"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// Stats is a snapshot of what a pool has done since it was made, and of its present state. The counts are exact, but not of
// one moment.
type Stats struct {
	// Levels.
	Workers   int `json:"workers"`   // size of the pool
	Started   int `json:"started"`   // workers whose thread runs
	Pinned    int `json:"pinned"`    // of these, pinned to CPUs
	Awake     int `json:"awake"`     // not parked
	Searching int `json:"searching"` // of these, looking for work
	Guests    int `json:"guests"`    // goroutines of the pool that compute for a caller that waits
	Queued    int `json:"queued"`    // tasks from outside that nobody has taken; 1000 stands for that many or more
	Waiting   int `json:"waiting"`   // tasks that are suspended

	// Counts.
	Tasks     uint64 `json:"tasks"`     // root tasks begun (Run, Go, Submit, loops from outside)
	Rejected  uint64 `json:"rejected"`  // tasks that were not taken: the pool was closed, or its queue full
	Cancelled uint64 `json:"cancelled"` // tasks that were taken and never begun, because their context was done
	Panicked  uint64 `json:"panicked"`  // panics caught
	Goexits   uint64 `json:"goexits"`   // tasks that called runtime.Goexit
	Exposed   uint64 `json:"exposed"`   // forks made public
	Steals    uint64 `json:"steals"`    // jobs taken from another deque
	StealsBy  Steals `json:"steals_by"` // the same, by distance
	Stale     uint64 `json:"stale"`     // deque entries that turned out to be taken back
	Failed    uint64 `json:"failed"`    // rounds over the deques that found nothing
	Parks     uint64 `json:"parks"`     // times that a worker was about to sleep
	Wakes     uint64 `json:"wakes"`     // times that it did sleep and was woken
	Suspended uint64 `json:"suspended"` // times that a task was suspended
	Stalls    uint64 `json:"stalls"`    // times that a worker was found stuck
	Relieved  uint64 `json:"relieved"`  // times that a worker or caller was found blocked, and another took its seat

	// Waits, of one root task in sixty-four.
	QueueWait Histogram `json:"queue_wait"` // from submission to the beginning
	RunTime   Histogram `json:"run_time"`   // from there to the end, waits included

	// By worker.
	PerWorker []WorkerStats `json:"per_worker,omitempty"`
}

// Steals counts steals by how far the victim was away.
type Steals struct {
	Core    uint64 `json:"core"` // hardware threads of one core
	L2      uint64 `json:"l2"`   // CPUs that share this cache
	L3      uint64 `json:"l3"`
	Node    uint64 `json:"node"`    // CPUs of one NUMA node
	Remote  uint64 `json:"remote"`  // CPUs of different nodes or packages
	Unknown uint64 `json:"unknown"` // the thief or the victim is not pinned, or a goroutine from outside
}

// WorkerStats is a snapshot of one worker.
type WorkerStats struct {
	State     string        `json:"state"` // absent (its thread does not run), busy, searching or parked
	CPUs      affinity.Set  `json:"cpus"`  // those it is pinned to; empty if it is not
	Tasks     uint64        `json:"tasks"` // root tasks begun
	Steals    uint64        `json:"steals"`
	Public    int           `json:"public"`  // jobs in its deque
	Waiting   int           `json:"waiting"` // its tasks that are suspended, or can go on and have not
	Parked    time.Duration `json:"parked_ns"`
	Searching time.Duration `json:"searching_ns"`
}

// Stats returns a snapshot. It costs a few microseconds for each worker, and disturbs nobody.
func (p *Pool) Stats() Stats {
	state := p.state.Load()
	s := Stats{
		Workers: p.Size(), Awake: awake(state), Searching: searching(state), Guests: max(0, guests(state)-p.withheld()),
		Queued: p.queued(), Rejected: p.rejected.Load(), Stalls: p.stalls.Load(),
		Relieved: p.spares.reliefs.Load(),
	}
	p.mu.Lock()
	s.Started = p.started
	if p.pinErr == nil && !p.workers[0].cpus.Load().IsEmpty() {
		s.Pinned = p.started
	}
	p.mu.Unlock()
	for i := range int(p.procsUsed.Load()) {
		if v := p.procs[i].Load(); v != nil {
			s.add(&v.stats)
		}
	}
	now := atom.Now()
	s.PerWorker = make([]WorkerStats, len(p.workers))
	for i, w := range p.workers {
		s.PerWorker[i] = w.snapshot(now)
		s.Waiting += s.PerWorker[i].Waiting
	}
	return s
}

// mostQueued bounds what a snapshot costs.
const mostQueued = 1000

// queued returns how many tasks from outside have not begun.
func (p *Pool) queued() int {
	n := p.injector.count(mostQueued)
	if p.inPocket() != nil {
		n++
	}
	return n
}

func (s *Stats) add(c *counters) {
	s.Tasks += c.tasks.n.Load()
	s.Cancelled += c.cancelled.n.Load()
	s.Panicked += c.panicked.n.Load()
	s.Goexits += c.goexits.n.Load()
	s.Exposed += c.exposed.n.Load()
	s.Stale += c.stale.n.Load()
	s.Failed += c.failed.n.Load()
	s.Parks += c.parks.n.Load()
	s.Wakes += c.wakes.n.Load()
	s.Suspended += c.suspended.n.Load()
	s.QueueWait.add(&c.queued)
	s.RunTime.add(&c.ran)
	by := &s.StealsBy
	for i, n := range [...]*uint64{&by.Unknown, &by.Core, &by.L2, &by.L3, &by.Node, &by.Remote} {
		k := c.steals[i].n.Load()
		*n += k
		s.Steals += k
	}
}

func (w *worker) snapshot(now time.Duration) WorkerStats {
	c := &w.stats
	state := workerState(c.doing.Load())
	s := WorkerStats{
		State: stateNames[state], CPUs: *w.cpus.Load(), Tasks: c.tasks.n.Load(), Waiting: int(w.suspended.Load()) + w.mail.len(),
		Parked: time.Duration(c.parkedFor.Load()), Searching: time.Duration(c.searchedFor.Load()),
	}
	for i := range c.steals {
		s.Steals += c.steals[i].n.Load()
	}
	if w.pool.procs[w.id].Load() != nil {
		s.Public = w.thief.Len()
	}
	ongoing := max(0, now-time.Duration(c.since.Load()))
	switch state {
	case stateParked:
		s.Parked += ongoing
	case stateSearching:
		s.Searching += ongoing
	}
	return s
}
