//go:build mc

package worker

import (
	"testing"

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
