package bench

import (
	"context"
	"sync"
	"testing"

	"github.com/alitto/pond/v2"
	"github.com/panjf2000/ants/v2"
	"github.com/sourcegraph/conc"
	concpool "github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// A pool runs functions at the same time. Both of its ways may be used inside the functions, too.
type pool struct {
	fork func(a, b func())     // starts a, runs b here, waits for a
	all  func(n int, f func()) // starts f n times, waits for all
}

// A peer opens a pool that runs at most limit functions at once, as many as there are if limit is 0.
type peer struct {
	name string
	open func(tb testing.TB, limit int) pool

	// nests says that a function may use its own full pool and wait.
	nests bool
}

var peers = []peer{
	{"pinwheel", openPinwheel, true},
	{"goroutines", openGoroutines, true}, // there is no limit
	{"errgroup", openErrgroup, false},
	{"conc", openConc, false},
	{"ants", openAnts, false},
	{"pond", openPond, false},
}

// loops is pinwheel once more: what is known to be a loop need not be n tasks.
var loops = peer{"pinwheel-for", openPinwheelFor, true}

func openPinwheel(tb testing.TB, limit int) pool {
	p, _ := pinwheel(tb, limit)
	return p
}

func openPinwheelFor(tb testing.TB, limit int) pool {
	p, ctx := pinwheel(tb, limit)
	p.all = func(n int, f func()) {
		if err := sched.For(ctx, n, func(int) { f() }); err != nil {
			tb.Error(err)
		}
	}
	return p
}

func pinwheel(tb testing.TB, limit int) (pool, context.Context) {
	var opts []sched.Option
	if limit > 0 {
		opts = append(opts, sched.WithWorkers(limit))
	}
	s, err := sched.New(opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	ctx := sched.With(context.Background(), s)
	start := func(f func()) *future.Future[struct{}] {
		return sched.Go(ctx, func(*sched.Task) (struct{}, error) { f(); return struct{}{}, nil })
	}
	await := func(f *future.Future[struct{}]) {
		if _, err := f.Await(ctx); err != nil {
			tb.Error(err)
		}
	}
	return pool{
		fork: func(a, b func()) {
			task := start(a)
			b()
			await(task)
		},
		all: func(n int, f func()) {
			tasks := make([]*future.Future[struct{}], n)
			for i := range tasks {
				tasks[i] = start(f)
			}
			for _, task := range tasks {
				await(task)
			}
		},
	}, ctx
}

func openGoroutines(testing.TB, int) pool {
	return awaited(func(f func()) { go f() })
}

func openErrgroup(_ testing.TB, limit int) pool {
	if limit > 0 {
		var g errgroup.Group
		g.SetLimit(limit)
		return awaited(func(f func()) { g.Go(func() error { f(); return nil }) })
	}
	return pool{
		fork: func(a, b func()) {
			var g errgroup.Group
			g.Go(func() error { a(); return nil })
			b()
			g.Wait()
		},
		all: func(n int, f func()) {
			var g errgroup.Group
			for range n {
				g.Go(func() error { f(); return nil })
			}
			g.Wait()
		},
	}
}

func openConc(_ testing.TB, limit int) pool {
	if limit > 0 {
		return awaited(concpool.New().WithMaxGoroutines(limit).Go)
	}
	return pool{
		fork: func(a, b func()) {
			var wg conc.WaitGroup
			wg.Go(a)
			b()
			wg.Wait()
		},
		all: func(n int, f func()) {
			p := concpool.New()
			for range n {
				p.Go(f)
			}
			p.Wait()
		},
	}
}

func openAnts(tb testing.TB, limit int) pool {
	size := limit
	if limit == 0 {
		size = -1
	}
	p, err := ants.NewPool(size)
	if err != nil {
		tb.Fatal(err)
	}
	if limit == 0 { // one that hangs would go on with an error
		tb.Cleanup(p.Release)
	}
	return awaited(func(f func()) {
		if err := p.Submit(f); err != nil {
			tb.Error(err)
		}
	})
}

func openPond(_ testing.TB, limit int) pool {
	p := pond.NewPool(limit)
	return pool{
		fork: func(a, b func()) {
			task := p.Submit(a)
			b()
			task.Wait()
		},
		all: func(n int, f func()) {
			g := p.NewGroup()
			for range n {
				g.Submit(f)
			}
			g.Wait()
		},
	}
}

// awaited is the pool of a library that starts functions and leaves it to its user to wait for them.
func awaited(start func(f func())) pool {
	return pool{
		fork: func(a, b func()) {
			var wg sync.WaitGroup
			wg.Add(1)
			start(func() { a(); wg.Done() })
			b()
			wg.Wait()
		},
		all: func(n int, f func()) {
			var wg sync.WaitGroup
			wg.Add(n)
			task := func() { f(); wg.Done() }
			for range n {
				start(task)
			}
			wg.Wait()
		},
	}
}
