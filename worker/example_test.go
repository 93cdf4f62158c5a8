package worker_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/pinwheel-sched/pinwheel/sched"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A gate lets one task or goroutine wait until it is opened.
type gate struct {
	mu     sync.Mutex // held briefly, and never during a wait
	open   bool
	waiter *worker.Waiter
}

func (g *gate) Wait(ctx context.Context) error {
	g.mu.Lock()
	if g.open {
		g.mu.Unlock()
		return nil
	}
	var w worker.Waiter
	w.Init(ctx)
	g.waiter = &w
	g.mu.Unlock()
	return w.Wait(ctx)
}

func (g *gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = true
	if g.waiter != nil {
		g.waiter.Wake() // before the wait or after: it is not lost
	}
}

// How something is made that tasks wait for without blocking their worker.
func ExampleWaiter() {
	var g gate
	ctx := context.Background()
	through := sched.Go(ctx, func(t *sched.Task) (string, error) { return "through", g.Wait(t) })
	g.Open()
	fmt.Println(through.Await(ctx))
	// Output: through <nil>
}
