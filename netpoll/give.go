package netpoll

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// giveWay suspends the calling task until those that were queued before it have had their turn. It does nothing to a goroutine
// that is no task, since the runtime sees to those.
func giveWay(ctx context.Context) {
	t := worker.Here(ctx)
	if t == nil {
		return
	}
	g := &turn{}
	g.Init(context.Background(), g)
	g.waiter.Init(t)
	if worker.PoolOf(t).Submit(&g.Root) == nil {
		_ = g.waiter.Wait(context.Background())
	}
}

// A turn is a place in the queue of a pool.
type turn struct {
	worker.Root
	waiter worker.Waiter
}

func (g *turn) Run(*worker.Task)               {}
func (g *turn) Done(*worker.PanicError, error) { g.waiter.Wake() }

// aside calls fn, which blocks, off the workers: on a goroutine of its own while the calling task is suspended, or in place if
// there is none. It returns when fn has, whatever ctx says: fn must heed it.
func aside(ctx context.Context, fn func()) {
	if worker.Here(ctx) == nil {
		fn()
		return
	}
	var w worker.Waiter
	w.Init(ctx)
	w.For(worker.ForBlocking, nil)
	go func() {
		fn()
		w.Wake()
	}()
	w.WaitFirmly()
}
