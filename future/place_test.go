package future_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/pinwheel-sched/pinwheel/sched"
)

var background = context.Background()

// A place is where a test runs its functions: as tasks, on plain goroutines, or some of each.
type place struct {
	t   testing.TB
	ctx context.Context
	wg  sync.WaitGroup
	n   int
}

// places runs a test with 1, 2 and 8 workers.
func places(t *testing.T, test func(t *testing.T, p *place)) {
	for _, workers := range []int{1, 2, 8} {
		t.Run(fmt.Sprintf("workers=%d", workers), func(t *testing.T) {
			p := &place{t: t, ctx: sched.With(background, newScheduler(t, workers))}
			test(t, p)
			p.wg.Wait()
		})
	}
}

func newScheduler(t testing.TB, workers int) *sched.Scheduler {
	t.Helper()
	s, err := sched.New(sched.WithWorkers(workers), sched.WithoutEnvironment())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// task runs fn as a task, under its context.
func (p *place) task(fn func(ctx context.Context)) {
	p.wg.Add(1)
	f := sched.Go(p.ctx, func(t *sched.Task) (struct{}, error) {
		defer p.wg.Done()
		fn(t)
		return struct{}{}, nil
	})
	go func() {
		if _, err := f.Await(background); err != nil {
			p.t.Errorf("a task failed: %v", err)
		}
	}()
}

// goroutine runs fn on a plain goroutine.
func (p *place) goroutine(fn func(ctx context.Context)) {
	p.wg.Go(func() { fn(p.ctx) })
}

// either runs fn as a task or on a goroutine, in turn.
func (p *place) either(fn func(ctx context.Context)) {
	if p.n++; p.n%2 == 0 {
		p.task(fn)
	} else {
		p.goroutine(fn)
	}
}
