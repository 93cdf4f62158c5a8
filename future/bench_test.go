package future_test

import (
	"context"
	"testing"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/sched"
)

var sink int

// A future alone: made, resolved, awaited when it is done.
func BenchmarkMakeResolveAwait(b *testing.B) {
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		p := future.NewPromise[int]()
		p.Resolve(1)
		n, _ := p.Future().Await(ctx)
		sink += n
	}
}

func BenchmarkAwaitDone(b *testing.B) {
	ctx := context.Background()
	p := future.NewPromise[int]()
	p.Resolve(1)
	for b.Loop() {
		n, _ := p.Future().Await(ctx)
		sink += n
	}
}

// A chain is made first and then resolved. The figures are for a link.
func BenchmarkChainMap(b *testing.B) {
	link := func(f *future.Future[int]) *future.Future[int] {
		return future.Map(f, func(n int) int { return n + 1 })
	}
	b.Run("task", func(b *testing.B) { chain(b, inTask(b), link) })
	b.Run("goroutine", func(b *testing.B) { chain(b, inGoroutine, link) })
}

func BenchmarkChainThen(b *testing.B) {
	chain(b, inTask(b), func(f *future.Future[int]) *future.Future[int] {
		return future.Then(f, func(n int) (int, error) { return n + 1, nil })
	})
}

func chain(b *testing.B, in func(func(context.Context)), link func(*future.Future[int]) *future.Future[int]) {
	b.ReportAllocs()
	in(func(ctx context.Context) {
		const length = 1000
		for n := b.N; n > 0; n -= length {
			p := future.NewPromise[int]()
			f := p.Future()
			for range min(n, length) {
				f = link(f)
			}
			p.Resolve(0)
			if got, err := f.Await(ctx); got != min(n, length) || err != nil {
				b.Errorf("Await = %v, %v", got, err)
				return
			}
		}
	})
}

// inTask runs functions as tasks of a scheduler with one worker.
func inTask(b *testing.B) func(func(context.Context)) {
	s, err := sched.New(sched.WithWorkers(1))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	ctx := sched.With(context.Background(), s)
	return func(fn func(context.Context)) {
		_, err := sched.Go(ctx, func(t *sched.Task) (struct{}, error) { fn(t); return struct{}{}, nil }).Await(ctx)
		if err != nil {
			b.Fatal(err)
		}
	}
}

func inGoroutine(fn func(context.Context)) { fn(context.Background()) }

// A task that awaits another one.
func BenchmarkAwaitTask(b *testing.B) {
	b.ReportAllocs()
	inTask(b)(func(ctx context.Context) {
		one := func(*sched.Task) (int, error) { return 1, nil }
		for range b.N {
			n, _ := sched.Go(ctx, one).Await(ctx)
			sink += n
		}
	})
}

// All of ten, made and resolved.
func BenchmarkAll(b *testing.B) {
	ctx := context.Background()
	b.ReportAllocs()
	var ps [10]*future.Promise[int]
	var fs [10]*future.Future[int]
	for b.Loop() {
		for i := range ps {
			ps[i] = future.NewPromise[int]()
			fs[i] = ps[i].Future()
		}
		f := future.All(fs[:]...)
		for _, p := range ps {
			p.Resolve(1)
		}
		if _, err := f.Await(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
