package sched

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
)

var sink int

func BenchmarkForkJoinPrivate(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			_, ctx := newScheduler(b, WithWorkers(workers))
			for b.Loop() {
				sink, _ = Run(ctx, func(t *Task) (int, error) { return fib(t, 32), nil })
			}
			perFork(b, 3524577)
		})
	}
	b.Run("serial", func(b *testing.B) {
		for b.Loop() {
			sink = serialFib(32)
		}
		perFork(b, 3524577)
	})
}

func BenchmarkForkJoinClosure(b *testing.B) {
	_, ctx := newScheduler(b, WithWorkers(1))
	b.ReportAllocs()
	for b.Loop() {
		sink, _ = Run(ctx, func(t *Task) (int, error) { return closureFib(t, 20), nil })
	}
	perFork(b, 10945)
}

func perFork(b *testing.B, forks float64) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/forks, "ns/fork")
}

func BenchmarkRunEmptyFromGoroutine(b *testing.B) {
	_, ctx := newScheduler(b, WithWorkers(2))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = Run(ctx, func(t *Task) (int, error) { return 0, nil })
	}
}

func BenchmarkGoAwaitFromGoroutine(b *testing.B) {
	_, ctx := newScheduler(b, WithWorkers(2))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = Go(ctx, func(t *Task) (int, error) { return 0, nil }).Await(ctx)
	}
}

func BenchmarkGoroutineAndChannel(b *testing.B) {
	for b.Loop() {
		c := make(chan int)
		go func() { c <- 1 }()
		<-c
	}
}

func BenchmarkSubmitFromGoroutine(b *testing.B) {
	_, ctx := newScheduler(b, WithWorkers(2))
	b.ReportAllocs()
	const batch = 1000
	var all sync.WaitGroup
	done := all.Done
	for b.Loop() {
		all.Add(batch)
		for range batch {
			_ = Submit(ctx, done)
		}
		all.Wait()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/task")
}

func BenchmarkGoFromGoroutine(b *testing.B) {
	_, ctx := newScheduler(b, WithWorkers(2))
	b.ReportAllocs()
	const batch = 1000
	for b.Loop() {
		var last interface {
			Await(context.Context) (int, error)
		}
		for range batch {
			last = Go(ctx, func(t *Task) (int, error) { return 0, nil })
		}
		_, _ = last.Await(ctx)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/task")
}

func BenchmarkCollectionWithAllWorkersParked(b *testing.B) {
	s, ctx := newScheduler(b, WithWorkers(8))
	if err := For(ctx, 10_000, func(int) {}); err != nil {
		b.Fatal(err)
	}
	for s.Stats().Awake > 0 {
		runtime.Gosched()
	}
	for b.Loop() {
		runtime.GC()
	}
}

func BenchmarkForItemOfNothing(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			_, ctx := newScheduler(b, WithWorkers(workers))
			b.ReportAllocs()
			const n = 1 << 20
			for b.Loop() {
				_ = For(ctx, n, func(int) {})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/item")
		})
	}
}
