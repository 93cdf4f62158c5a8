//go:build mc

package worker

import (
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/mc"
)

// shallow bounds preemptions where there are many operations: CI has seconds.
func shallow() int {
	if testing.Short() {
		return 1
	}
	return 2
}

func (g *play) resize(r *mc.Run, n int) {
	if err := g.pool.Resize(n); err != nil {
		r.Fatalf("%v", err)
	}
}

// A pool shrinks while jobs are submitted: the worker that is left runs those that the other leaves.
func TestExploreShrinkingAgainstSubmitting(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: shallow()}, func(r *mc.Run) {
		g := newPlay(2, 1)
		g.start(r)
		r.Go("submitter", func() { g.submit(0) })
		r.Go("resizer", func() { g.resize(r, 1) })
	})
}

// A pool grows while a job is submitted and a guest has the only seat.
func TestExploreGrowingAgainstSubmitting(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: shallow()}, func(r *mc.Run) {
		g := newPlay(2, 1)
		g.pool.target.Store(1)
		g.pool.state.Add(2*oneGuest + oneVisit) // one of them holds the seat of the retired worker, the other stays
		g.start(r)
		r.Go("submitter", func() { g.submit(0) })
		r.Go("resizer", func() { g.resize(r, 2) })
	})
}

// A fiber becomes ready while its worker retires.
func TestExploreAFiberOfAWorkerThatRetires(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		p := newStage(2)
		p.state.Add(^(oneAwake - 1)) // worker 0 sleeps
		p.idle.add(0)
		w := p.workers[1]
		f := &fiber{p: &w.proc}
		f.init()
		w.suspended.Add(1)
		ran := false
		r.Daemon("worker", func() {
			for {
				switch {
				case w.anyReady():
					ran = w.takeReady() == f
				case w.mustRetire():
					w.retire()
				default:
					w.park()
				}
			}
		})
		r.Go("waker", func() { w.makeReady(f) })
		r.Go("resizer", func() {
			if err := p.Resize(1); err != nil {
				r.Fatalf("%v", err)
			}
		})
		r.Finally(func() {
			if !ran {
				r.Fatalf("the fiber was not seen")
			}
		})
	})
}

// Two workers wait natively for a job, of which one is to retire, and then is not: somebody stands in for one of them.
func TestExploreRelievingAgainstGrowing(t *testing.T) {
	mc.Explore(t, mc.Config{Sampled: someRuns}, func(r *mc.Run) {
		g := newPlay(2, 1)
		p := g.pool
		p.target.Store(1)
		p.state.Add(oneGuest)
		g.addSpares(r, 1)
		for _, w := range p.workers {
			r.Daemon("worker", func() {
				for g.done.Load() == 0 {
					atom.FutexWait(&g.done, 0, -1)
				}
				g.work(w)
			})
		}
		r.Go("watch", func() {
			for g.done.Load() == 0 {
				for _, w := range p.workers {
					if w.duty.Load() == onDuty && p.pressed() {
						p.relieve(w)
					}
					p.fill(w)
				}
				atom.Yield()
			}
		})
		r.Go("resizer", func() { g.resize(r, 2) })
		r.Go("submitter", func() { g.submit(0) })
		r.Finally(func() {
			g.check(r)
			g.checkSeats(r)
		})
	})
}

// A worker that stays blocked is relieved while the pool shrinks: nobody has its seat in the end.
func TestExploreRelievingAgainstShrinking(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 1, Sampled: someRuns}, func(r *mc.Run) {
		g := newPlay(2, 1)
		p := g.pool
		g.addSpares(r, 1)
		r.Daemon("worker", func() { g.work(p.workers[0]) })
		r.Go("watch", func() { p.relieve(p.workers[1]) })
		r.Go("resizer", func() { g.resize(r, 1) })
		r.Finally(func() {
			s := p.state.Load()
			if spare := p.spares.all[0].Load(); !spare.mustRetire() || awake(s) != 0 || searching(s) != 0 || visits(s) != 1 || guests(s) != p.withheld() {
				r.Fatalf("the spare has no seat: %t; %d awake, %d searching, %d blocked, %d seats withheld", spare.mustRetire(), awake(s), searching(s), visits(s), guests(s))
			}
		})
	})
}
