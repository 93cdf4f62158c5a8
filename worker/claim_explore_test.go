//go:build mc

package worker

import (
	"context"
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/callsite"
	"github.com/pinwheel-sched/pinwheel/internal/mc"
)

// A played is a root task of an exploration, which counts its runs.
type played struct {
	Root
	ran, over int
}

func (b *played) Run(*Task) { b.ran++ }

func (b *played) Done(*PanicError, error) { b.over++ }

// await is Root.takeOver, without the goroutine's coroutine, and without its patience.
func (b *played) await(f *fiber) {
	if g, _ := b.seize(); g != nil {
		runRoot(f, &b.job)
		g.leave()
	}
}

// check fails the run if the task has not run once.
func (b *played) check(r *mc.Run) {
	if b.ran != 1 || b.over != 1 {
		r.Fatalf("the task ran %d times, and was over %d times", b.ran, b.over)
	}
}

// newPlayed returns a task that was started here.
func newPlayed() *played {
	b := &played{}
	b.Init(context.Background(), b)
	b.StartedAt(callsite.PC())
	return b
}

// newOutside returns the fiber of a goroutine that is not the pool's.
func newOutside(p *Pool) *fiber {
	q := &proc{pool: p, id: 1}
	q.init(1)
	return newPlayedFiber(q)
}

func newPlayedFiber(q *proc) *fiber {
	f := &fiber{p: q}
	f.init()
	return f
}

// serve is a worker that runs what is in its deque and in the injector, and parks.
func serve(w *worker) {
	p, f := w.pool, newPlayedFiber(&w.proc)
	for {
		j, busy := w.local(), false
		if j == nil && (w.isSearching || p.beginSearch()) {
			w.isSearching = true
			j, busy = p.injector.pop(w.own)
		}
		switch {
		case j != nil:
			w.endSearch()
			j.run(f, j)
		case busy:
			atom.Yield()
		default:
			w.park()
		}
	}
}

// A goroutine takes over what it has submitted while a worker takes it out of the injector, with another task behind it that
// nobody awaits: both run once, wherever, nothing is left in the injector, and all seats are free in the end. (All with three
// preemptions take 7 s: MC_PREEMPTIONS=3.)
func TestExploreTakingOverAgainstPopping(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 2, Sampled: someRuns}, func(r *mc.Run) {
		p := newStage(1)
		tasks := []*played{newPlayed(), newPlayed()}
		r.Daemon("worker", func() { serve(p.workers[0]) })
		r.Go("caller", func() {
			f := newOutside(p)
			for i, task := range tasks {
				if err := p.Offer(&task.Root); err != nil {
					r.Fatalf("task %d: %v", i, err)
				}
			}
			tasks[0].await(f)
		})
		r.Finally(func() {
			tasks[0].check(r)
			tasks[1].check(r)
			if s := p.state.Load(); !p.injector.empty() || guests(s) != p.withheld() || visits(s) != 0 {
				r.Fatalf("in the end %d guests, %d visits, injector empty: %t", guests(s), visits(s), p.injector.empty())
			}
		})
	})
}

// Callers take over their own tasks and clear the injector's front of each other's, while a submitter adds one that must stay.
func TestExploreClearingTheFront(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		p := newStage(1)
		nearEnd(&p.injector)
		tasks := make([]played, 3)
		for i := range tasks {
			tasks[i].Init(context.Background(), &tasks[i])
			tasks[i].job.offer()
		}
		caller := func(b *played) func() {
			return func() {
				p.injector.push(&b.job)
				if b.job.claim() {
					b.ran++
					p.injector.dropClaimed()
				}
			}
		}
		r.Go("caller", caller(&tasks[0]))
		r.Go("caller", caller(&tasks[1]))
		r.Go("submitter", func() { p.injector.push(&tasks[2].job) })
		r.Finally(func() {
			own := p.workers[0].own
			left := 0
			for !p.injector.empty() {
				for j, _ := p.injector.pop(own); j != nil; j = own.Pop() {
					if j.claim() {
						rootOf(j).body.(*played).ran++
						left++
					}
				}
			}
			for i := range tasks {
				if tasks[i].ran != 1 {
					r.Fatalf("task %d ran %d times", i, tasks[i].ran)
				}
			}
			if left != 1 {
				r.Fatalf("%d tasks were left to a worker", left)
			}
		})
	})
}
