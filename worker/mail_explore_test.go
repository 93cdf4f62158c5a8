//go:build mc

package worker

import (
	"context"
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/mc"
)

// Tasks are posted to a worker, in order, while it parks, and the pool stops taking work at any moment: what was accepted runs,
// in that order, before the pool is quiet.
func TestExplorePostingAgainstParkingAndClosing(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 2, Sampled: someRuns}, func(r *mc.Run) {
		p := newStage(1)
		w := p.workers[0]
		tasks := make([]played, 2)
		accepted, ran := 0, 0
		r.Daemon("worker", func() {
			for {
				j := w.mail.take()
				if j == nil {
					w.park()
					continue
				}
				w.endSearch()
				if j != &tasks[ran].job {
					r.Fatalf("task %d is not the next", ran)
				}
				ran++
			}
		})
		r.Go("poster", func() {
			for i := range tasks {
				tasks[i].Init(context.Background(), &tasks[i])
				if p.Post(0, &tasks[i].Root) == nil {
					accepted++
				}
			}
		})
		r.Go("closer", func() {
			p.state.Or(closedBit)
			p.checkQuiet()
		})
		r.Finally(func() {
			if ran != accepted {
				r.Fatalf("%d tasks ran of %d that were accepted", ran, accepted)
			}
			select {
			case <-p.quiet:
			default:
				r.Fatalf("the pool is closed, and nobody has noticed that it is quiet")
			}
		})
	})
}

// A task is posted to a worker that has never been started, and that a change of their number moves between the idle and the retired.
func TestExplorePostingAgainstResizing(t *testing.T) {
	for _, from := range []int{1, 2} {
		mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
			p := newStage(2)
			p.starting = func(*worker) {}
			w := p.workers[1]
			w.parked.Store(neverStarted)
			p.target.Store(int32(from))
			if from == 1 {
				p.retired.add(1)
				p.state.Add(oneGuest - oneAwake)
			} else {
				p.idle.add(1)
				p.state.Add(^(oneAwake - 1))
			}
			task := newPlayed()
			r.Go("poster", func() {
				if err := p.Post(1, &task.Root); err != nil {
					r.Fatalf("%v", err)
				}
			})
			r.Go("resizer", func() {
				if err := p.Resize(3 - from); err != nil {
					r.Fatalf("%v", err)
				}
			})
			r.Finally(func() {
				if w.mail.any() && w.parked.Load() == neverStarted {
					r.Fatalf("nobody has started the worker that has mail")
				}
			})
		})
	}
}
