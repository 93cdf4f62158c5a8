package worker

import (
	"github.com/pinwheel-sched/pinwheel/deque"
	"github.com/pinwheel-sched/pinwheel/internal/victim"
)

// init prepares the worker, on its own thread.
func (w *worker) init(id int) {
	w.proc.init(id)
	p := w.pool
	if w.isSpare() {
		id = w.native().id
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w.order.Store(victim.NewOrder(victim.Machine{Topology: p.machine.Topology, CPUs: p.machine.CPUs[:p.used]}, p.victims, id))
}

// steal takes a job from another proc. If that leaves the victim without public work, it asks it to expose more.
func (p *proc) steal(v *proc) (*Job, deque.Status) {
	j, status := v.thief.Steal()
	if status == deque.OK {
		p.stats.stole(p.order.Load().Distance(v.id))
		p.note(EventSteal, uint64(v.id), 0)
		if v.thief.Empty() {
			v.request(0)
		}
	}
	return j, status
}

// stealAny is one round over the other procs, in the order of package victim. It reports whether work may be left that it did
// not get, because it lost a race.
func (p *proc) stealAny(round int) (j *Job, again bool) {
	procs, order := p.pool.procs, p.order.Load()
	if order.Nearby() || p.id >= p.pool.size { // a spare steals from the worker whose order it has, too
		return p.stealAround()
	}
	r := order.Round(round, p.rng.Uint64(), p.pool.size, int(p.pool.procsUsed.Load()))
	for id := r.Next(); id >= 0; id = r.Next() {
		if v := procs[id].Load(); v != nil {
			j, status := p.steal(v)
			switch status {
			case deque.OK:
				return j, false
			case deque.Lost:
				again = true
			}
		}
	}
	p.stats.failed.add(1)
	return nil, again
}

// stealAround is stealAny where all are alike: what package victim would do, a little faster.
func (p *proc) stealAround() (j *Job, again bool) {
	procs := p.pool.procs
	n := int(p.pool.procsUsed.Load())
	for i, left := int(p.rng.Uint64()%uint64(n)), n; left > 0; left-- {
		if v := procs[i].Load(); v != nil && v != p {
			j, status := p.steal(v)
			switch status {
			case deque.OK:
				return j, false
			case deque.Lost:
				again = true
			}
		}
		if i++; i == n {
			i = 0
		}
	}
	p.stats.failed.add(1)
	return nil, again
}

// nextIdle takes a parked worker out of idle to be woken by the executor from, which may be nil: the nearest one, or failing
// that any. It returns -1 if there is none.
func (p *Pool) nextIdle(from *proc) int {
	if from != nil && from.id < p.size {
		if o := from.order.Load(); !o.Nearby() {
			if i := o.Wake(func(word int) uint64 { return p.idle[word].Load() }); i >= 0 && p.idle.remove(i) {
				return i
			}
		}
	}
	return p.idle.take(p.avoid(from))
}
