package worker

import "github.com/pinwheel-sched/pinwheel/internal/atom"

// A counter is written by one executor and read by anybody.
type counter struct{ n atom.Uint64 }

func (c *counter) add(n uint64) { c.n.Add(n) }

// counters count events off the fast paths. (Forks and joins that stay private are not counted: that would cost more than they do.)
type counters struct {
	tasks, exposed, steals, stale, failed, parks, suspended, panicked, goexits counter
}

// Stats is a snapshot of what a pool has done since it was made, and of its present state. The counts are exact, but not of
// one moment.
type Stats struct {
	Workers   int    `json:"workers"`   // size of the pool
	Started   int    `json:"started"`   // workers whose thread runs
	Pinned    int    `json:"pinned"`    // of these, pinned to a CPU
	Awake     int    `json:"awake"`     // not parked
	Searching int    `json:"searching"` // of these, looking for work
	Guests    int    `json:"guests"`    // goroutines of the pool that compute for a caller that waits
	Tasks     uint64 `json:"tasks"`     // root tasks begun (Run, Go, loops from outside)
	Exposed   uint64 `json:"exposed"`   // forks made public
	Steals    uint64 `json:"steals"`    // jobs taken from another deque
	Stale     uint64 `json:"stale"`     // deque entries that turned out to be taken back
	Failed    uint64 `json:"failed"`    // rounds over all deques that found nothing
	Parks     uint64 `json:"parks"`     // times that a worker went to sleep
	Suspended uint64 `json:"suspended"` // times that a task was suspended
	Panicked  uint64 `json:"panicked"`  // panics caught
	Goexits   uint64 `json:"goexits"`   // tasks that called runtime.Goexit
}

// Stats returns a snapshot. It costs a few hundred nanoseconds for each worker.
func (p *Pool) Stats() Stats {
	state := p.state.Load()
	s := Stats{Workers: p.size, Awake: awake(state), Searching: searching(state), Guests: guests(state)}
	p.mu.Lock()
	s.Started = p.started
	if p.pinErr == nil && !p.workers[0].cpus.IsEmpty() {
		s.Pinned = p.started
	}
	p.mu.Unlock()
	for i := range int(p.procsUsed.Load()) {
		v := p.procs[i].Load()
		if v == nil {
			continue
		}
		c := &v.stats
		s.Tasks += c.tasks.n.Load()
		s.Exposed += c.exposed.n.Load()
		s.Steals += c.steals.n.Load()
		s.Stale += c.stale.n.Load()
		s.Failed += c.failed.n.Load()
		s.Parks += c.parks.n.Load()
		s.Suspended += c.suspended.n.Load()
		s.Panicked += c.panicked.n.Load()
		s.Goexits += c.goexits.n.Load()
	}
	return s
}
