//go:build mc

package worker

import (
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/mc"
)

// A job is submitted while the pool stops taking work and a guest leaves: it is refused, or has run before the pool is quiet.
func TestExploreSubmittingAgainstClosing(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 2, Sampled: someRuns}, func(r *mc.Run) {
		p := newStage(1)
		w := p.workers[0]
		var job Job
		accepted, ran := false, false
		r.Daemon("worker", func() {
			for {
				j, _ := p.injector.pop(w.own)
				if j == nil {
					w.park()
					continue
				}
				w.endSearch()
				ran = true
			}
		})
		r.Go("guest", func() {
			if g := p.admit(false); g != nil {
				g.leave()
			}
		})
		r.Go("submitter", func() {
			accepted = p.injector.push(&job)
			if !accepted {
				return
			}
			select {
			case <-p.quiet:
				if !ran {
					r.Fatalf("the job was taken after the pool had been found quiet")
				}
			default:
			}
			p.notify(nil)
		})
		r.Go("closer", p.refuse)
		r.Finally(func() {
			if ran != accepted {
				r.Fatalf("accepted: %t, ran: %t", accepted, ran)
			}
			select {
			case <-p.quiet:
			default:
				r.Fatalf("the pool is closed, and nobody has noticed that it is quiet")
			}
		})
	})
}
