//go:build mc

package worker

import (
	"context"
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/mc"
)

// newLate returns a stage whose late watch is on, and a task of the place whose last one was taken over.
func newLate() (*Pool, *played) {
	p, task := newStage(1), newPlayed()
	p.late.code.Store(uint64(task.job.site.PC()))
	p.late.on.Store(1)
	return p, task
}

// A task is put into the pocket while the late watch ends, and nobody takes it over: a worker that parks at the same time runs it.
func TestExploreLateWatchEndsAgainstSubmit(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		p, task := newLate()
		r.Daemon("worker", func() { serve(p.workers[0]) })
		r.Go("caller", func() {
			if err := p.Offer(&task.Root); err != nil {
				r.Fatalf("%v", err)
			}
		})
		r.Go("watch", p.endLate)
		r.Finally(func() { task.check(r) })
	})
}

// A context is met again and again while the late watch ends: it is not kept after that.
func TestExploreAContextThatIsForgotten(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		p, _ := newLate()
		r.Go("caller", func() {
			for range 3 {
				p.late.recognise(context.Background())
			}
		})
		r.Go("watch", p.endLate)
		r.Finally(func() {
			if p.late.familiar.Load() != nil {
				r.Fatalf("a context is kept after the watch has ended")
			}
		})
	})
}

// Two goroutines await the task in the pocket, each of which may take it over, while the watch turns it out and a worker parks.
func TestExploreTakingOutAgainstTurningOut(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 2, Sampled: someRuns}, func(r *mc.Run) {
		p, task := newLate()
		if err := p.Offer(&task.Root); err != nil || p.inPocket() != &task.job {
			r.Fatalf("the task is not in the pocket: %v", err)
		}
		r.Daemon("worker", func() { serve(p.workers[0]) })
		for range 2 {
			f := newOutside(p)
			r.Go("caller", func() { task.await(f) })
		}
		r.Go("watch", func() { p.turnOut(p.inPocket()) })
		r.Finally(func() {
			task.check(r)
			if s := p.state.Load(); p.late.pocket.Load() != nil || !p.injector.empty() || guests(s) != p.withheld() || visits(s) != 0 {
				r.Fatalf("in the end %d guests, %d visits, injector empty: %t", guests(s), visits(s), p.injector.empty())
			}
		})
	})
}

// The goroutine that takes the task out offers the next one at once, while the watch turns out what it has seen, and all seats are taken.
func TestExploreTheNextTaskInThePocket(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 2, Sampled: someRuns}, func(r *mc.Run) {
		p, first := newLate()
		second := newPlayed()
		r.Daemon("worker", func() { serve(p.workers[0]) })
		r.Go("caller", func() {
			f := newOutside(p)
			for _, task := range []*played{first, second} {
				if err := p.Offer(&task.Root); err != nil {
					r.Fatalf("%v", err)
				}
				task.await(f)
			}
		})
		r.Go("watch", func() { p.turnOut(p.inPocket()); p.endLate() })
		r.Finally(func() {
			first.check(r)
			second.check(r)
		})
	})
}

// The pool is closed while a task is put into the pocket and the watch turns it out: it is refused, or has run before the pool is
// quiet.
func TestExploreThePocketAgainstClosing(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 2, Sampled: someRuns}, func(r *mc.Run) {
		p, task := newLate()
		accepted := false
		r.Daemon("worker", func() { serve(p.workers[0]) })
		r.Go("caller", func() {
			accepted = p.Offer(&task.Root) == nil
			select {
			case <-p.quiet:
				if accepted && task.ran == 0 {
					r.Fatalf("the task was taken after the pool had been found quiet")
				}
			default:
			}
		})
		r.Go("watch", func() { p.turnOut(p.inPocket()) })
		r.Go("closer", func() {
			p.refuse()
			if p.late.pocket.Load() != &closedJob {
				r.Fatalf("the pocket of a closed pool is open")
			}
		})
		r.Finally(func() {
			if accepted != (task.ran == 1) || accepted != (task.over == 1) {
				r.Fatalf("accepted: %t; ran %d times, and was over %d times", accepted, task.ran, task.over)
			}
			select {
			case <-p.quiet:
			default:
				r.Fatalf("the pool is closed, and nobody has noticed that it is quiet")
			}
		})
	})
}
