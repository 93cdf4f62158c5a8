//go:build mc

package lock

import (
	"context"
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/mc"
	"github.com/pinwheel-sched/pinwheel/internal/park"
)

// Each exploration has a waiter that is cancelled at any moment beside one that is not, and must be served. A wake that is
// lost shows as a deadlock.
func explore(t *testing.T, harness func(r *mc.Run)) {
	t.Helper()
	mc.Explore(t, mc.Config{Preemptions: 3}, harness)
}

// exploreSome is for a harness with so many runs that all those with three preemptions take minutes (MC_PREEMPTIONS=3): in CI
// 100,000 of them are made, in about a second.
func exploreSome(t *testing.T, harness func(r *mc.Run)) {
	t.Helper()
	mc.Explore(t, mc.Config{Preemptions: 2, Sampled: 100_000}, harness)
}

// inside checks that never two are.
type inside struct {
	r *mc.Run
	n int
}

func (i *inside) visit() {
	if i.n++; i.n > 1 {
		i.r.Fatalf("two are inside")
	}
	(&park.Guard{}).Lock() // a moment at which others may run
	i.n--
}

func TestExploreMutexWithACancelledWaiter(t *testing.T) {
	explore(t, func(r *mc.Run) {
		var m Mutex
		in := &inside{r: r}
		r.Name(&m.state, "state")
		ctx := park.NewContext()
		use := func(ctx context.Context) {
			if m.Lock(ctx) == nil {
				in.visit()
				m.Unlock()
			}
		}
		r.Go("holder", func() { use(context.Background()) })
		r.Go("loser", func() { use(ctx) })
		r.Go("waiter", func() { use(context.Background()) })
		r.Go("canceller", ctx.Cancel)
		r.Finally(func() {
			if m.state.Load() != 0 || m.queued != 0 || !m.queue.empty() {
				r.Fatalf("the mutex is left in state %b, with %d in the queue", m.state.Load(), m.queued)
			}
		})
	})
}

func TestExploreMutexThatStarves(t *testing.T) {
	exploreSome(t, func(r *mc.Run) {
		m := &Mutex{kept: -patience}
		in := &inside{r: r}
		ctx := park.NewContext()
		m.state.Store(mutexLocked)
		use := func(ctx context.Context) {
			if m.Lock(ctx) == nil {
				in.visit()
				m.Unlock()
			}
		}
		r.Go("loser", func() { use(ctx) })
		r.Go("waiter", func() { use(context.Background()) })
		r.Go("canceller", ctx.Cancel)
		r.Go("holder", func() {
			m.queue.Lock()
			for w := m.queue.first; w != nil; w = w.next {
				w.since = -2 * starvation // they came long ago
			}
			m.queue.Unlock()
			m.Unlock()
		})
		r.Finally(func() {
			if m.state.Load() != 0 {
				r.Fatalf("the mutex is left in state %b", m.state.Load())
			}
		})
	})
}

func TestExploreRWMutexWithACancelledWriter(t *testing.T) {
	explore(t, func(r *mc.Run) {
		var rw RWMutex
		ctx := park.NewContext()
		readers, writers := 0, 0
		check := func() {
			if writers > 1 || writers == 1 && readers > 0 {
				r.Fatalf("%d writers and %d readers are inside", writers, readers)
			}
		}
		write := func(ctx context.Context) {
			if rw.Lock(ctx) == nil {
				writers++
				check()
				(&park.Guard{}).Lock()
				writers--
				rw.Unlock()
			}
		}
		r.Go("reader", func() {
			_ = rw.RLock(context.Background())
			readers++
			check()
			(&park.Guard{}).Lock()
			readers--
			rw.RUnlock()
		})
		r.Go("loser", func() { write(ctx) })
		r.Go("writer", func() { write(context.Background()) })
		r.Go("canceller", ctx.Cancel)
		r.Finally(func() {
			if s := rw.state.Load(); s != 0 {
				r.Fatalf("the lock is left in state %b", s)
			}
		})
	})
}

func TestExploreRWMutexReaderBehindACancelledWriter(t *testing.T) {
	explore(t, func(r *mc.Run) {
		var rw RWMutex
		ctx := park.NewContext()
		rw.TryRLock() // for ever
		r.Go("loser", func() { _ = rw.Lock(ctx) })
		r.Go("reader", func() {
			_ = rw.RLock(context.Background())
			rw.RUnlock()
		})
		r.Go("canceller", ctx.Cancel)
		r.Finally(func() {
			if s := rw.state.Load(); s != rwReader {
				r.Fatalf("the lock is left in state %b", s)
			}
		})
	})
}

func TestExploreSemaphoreWithACancelledLargeRequest(t *testing.T) {
	explore(t, func(r *mc.Run) {
		s := NewSemaphore(2)
		ctx := park.NewContext()
		use := func(ctx context.Context, n int64) {
			if s.Acquire(ctx, n) == nil {
				(&park.Guard{}).Lock()
				s.Release(n)
			}
		}
		s.TryAcquire(1) // for ever
		r.Go("loser", func() { use(ctx, 2) })
		r.Go("small", func() { use(context.Background(), 1) })
		r.Go("canceller", ctx.Cancel)
		r.Finally(func() {
			if s.used != 1 {
				r.Fatalf("%d permits are taken", s.used)
			}
		})
	})
}

func TestExploreNotifyWithACancelledWaiter(t *testing.T) {
	explore(t, func(r *mc.Run) {
		var n Notify
		ctx := park.NewContext()
		r.Go("loser", func() {
			if n.Wait(ctx) == nil {
				n.One() // for the waiter
			}
		})
		r.Go("waiter", func() { _ = n.Wait(context.Background()) })
		r.Go("notifier", n.One)
		r.Go("canceller", ctx.Cancel)
		r.Finally(func() {
			if n.kept || !n.queue.empty() {
				r.Fatalf("kept: %v", n.kept)
			}
		})
	})
}

func TestExploreCountWithACancelledWaiter(t *testing.T) {
	explore(t, func(r *mc.Run) {
		var g WaitGroup
		ctx := park.NewContext()
		g.Add(2)
		r.Go("loser", func() { _ = g.Wait(ctx) })
		r.Go("waiter", func() { _ = g.Wait(context.Background()) })
		r.Go("worker", g.Done)
		r.Go("worker", func() { ctx.Cancel(); g.Done() })
	})
}

func TestExploreBarrierWithACancelledParty(t *testing.T) {
	explore(t, func(r *mc.Run) {
		b := NewBarrier(2)
		ctx := park.NewContext()
		passed := 0
		r.Go("loser", func() {
			if _, err := b.Wait(ctx); err == nil {
				passed++
			} else {
				_, _ = b.Wait(context.Background())
				passed++
			}
		})
		r.Go("party", func() { _, _ = b.Wait(context.Background()); passed++ })
		r.Go("canceller", ctx.Cancel)
		r.Finally(func() {
			if b.arrived != 0 || b.generation != 1 || passed != 2 {
				r.Fatalf("%d arrived, %d rounds, %d passed", b.arrived, b.generation, passed)
			}
		})
	})
}

func TestExploreCondWithACancelledWaiter(t *testing.T) {
	explore(t, func(r *mc.Run) {
		var m Mutex
		c := NewCond(&m)
		ctx := park.NewContext()
		ready := 0
		wait := func(ctx context.Context) {
			_ = m.Lock(context.Background())
			defer m.Unlock()
			for ready == 0 {
				if c.Wait(ctx) != nil {
					return
				}
			}
			ready--
			if ready > 0 {
				c.Signal()
			}
		}
		r.Go("loser", func() { wait(ctx) })
		r.Go("waiter", func() { wait(context.Background()) })
		r.Go("signaller", func() {
			ctx.Cancel()
			for range 2 {
				_ = m.Lock(context.Background())
				ready++
				m.Unlock()
				c.Signal()
			}
		})
	})
}

func TestExploreQueueWithACancelledReceiver(t *testing.T) {
	explore(t, func(r *mc.Run) {
		q := NewQueue[int](1)
		ctx := park.NewContext()
		got := 0
		r.Go("loser", func() {
			if x, err := q.Receive(ctx); err == nil {
				_ = q.Send(context.Background(), x) // for the receiver
			}
		})
		r.Go("receiver", func() { got, _ = q.Receive(context.Background()) })
		r.Go("sender", func() { _ = q.Send(context.Background(), 1) })
		r.Go("canceller", ctx.Cancel)
		r.Finally(func() {
			if got != 1 || q.length != 0 || q.promised != 0 || q.reserved != 0 {
				r.Fatalf("got %d, %d left, %d promised, %d reserved", got, q.length, q.promised, q.reserved)
			}
		})
	})
}

func TestExploreQueueWithACancelledSenderAndClose(t *testing.T) {
	exploreSome(t, func(r *mc.Run) {
		q := NewQueue[int](1)
		ctx := park.NewContext()
		sent, got := 1, 0
		_, _ = q.TrySend(0)
		send := func(ctx context.Context) {
			if q.Send(ctx, 1) == nil {
				sent++
			}
		}
		r.Go("loser", func() { send(ctx) })
		r.Go("sender", func() { send(context.Background()) })
		r.Go("receiver", func() {
			for {
				if _, err := q.Receive(context.Background()); err != nil {
					return
				}
				got++
			}
		})
		r.Go("closer", func() { ctx.Cancel(); q.Close() })
		r.Finally(func() {
			if got != sent {
				r.Fatalf("%d sent, %d received", sent, got)
			}
		})
	})
}
