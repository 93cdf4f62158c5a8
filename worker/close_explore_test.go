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

// newClosing returns a stage of one worker that has run out of work and another that has never been started, in a pool that is being closed.
// Whatever happens while the first one parks, somebody notices that the pool is quiet.
func newClosing(r *mc.Run) *Pool {
	p := newStage(2)
	w, other := p.workers[0], p.workers[1]
	other.parked.Store(neverStarted)
	p.procs[other.id].Store(nil)
	p.idle.add(other.id)
	p.state.Add(closedBit - oneAwake)
	r.Daemon("worker", func() {
		for {
			w.park()
		}
	})
	r.Finally(func() {
		select {
		case <-p.quiet:
		default:
			r.Fatalf("the pool is closed, and nobody has noticed that it is quiet")
		}
	})
	return p
}

// The number of workers changes.
func TestExploreResizingAgainstClosing(t *testing.T) {
	for _, from := range []int{1, 2} {
		mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
			p := newClosing(r)
			if from == 1 {
				p.target.Store(1)
				p.idle.remove(1)
				p.retired.add(1)
				p.state.Add(oneGuest)
			}
			r.Go("resizer", func() {
				if err := p.Resize(3 - from); err != nil {
					r.Fatalf("%v", err)
				}
			})
		})
	}
}

// A spare that was kept is dismissed.
func TestExploreDismissingAgainstClosing(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		p := newClosing(r)
		spare := p.takeSpare()
		spare.parked.Store(asleep)
		spare.seatless.Store(false)
		spare.kept.Store(true)
		p.spares.kept.Store(1)
		p.state.Add(^(oneGuest - 1))
		p.idle.add(spare.id)
		r.Go("watch", p.dismissKept)
	})
}
