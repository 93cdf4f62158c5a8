//go:build mc

package worker

import (
	"context"
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/callsite"
	"github.com/pinwheel-sched/pinwheel/internal/mc"
)

// A task of a place whose last one was taken over is submitted while the late watch ends, and nobody takes it over: a worker that
// parks at the same time runs it.
func TestExploreLateWatchEndsAgainstSubmit(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		p := newStage(1)
		task := &played{}
		task.Init(context.Background(), task)
		task.StartedAt(callsite.PC())
		task.Offer()
		p.late.code.Store(uint64(task.job.site.PC()))
		p.late.on.Store(1)
		r.Daemon("worker", func() {
			w := p.workers[0]
			f := &fiber{p: &w.proc}
			f.init()
			for {
				if j := w.local(); j != nil {
					w.endSearch()
					j.run(f, j)
					continue
				}
				w.park()
			}
		})
		r.Go("caller", func() {
			if err := p.Submit(&task.Root); err != nil {
				r.Fatalf("%v", err)
			}
		})
		r.Go("watch", func() { p.late.end(p) })
		r.Finally(func() {
			if task.ran != 1 || task.over != 1 {
				r.Fatalf("the task ran %d times, and was over %d times", task.ran, task.over)
			}
		})
	})
}
