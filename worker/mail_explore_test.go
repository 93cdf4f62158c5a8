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
