package lock_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/lock"
)

// onTask runs a benchmark's body as a task.
func onTask(b *testing.B, fn func(ctx context.Context)) {
	b.Helper()
	c := newCrew(b, 2)
	c.task(func(ctx context.Context) {
		b.ResetTimer()
		fn(ctx)
		b.StopTimer()
	})
	c.wg.Wait()
}

func BenchmarkMutexUncontended(b *testing.B) {
	b.Run("lock", func(b *testing.B) {
		onTask(b, func(ctx context.Context) {
			var mu lock.Mutex
			for b.Loop() {
				_ = mu.Lock(ctx)
				mu.Unlock()
			}
		})
	})
	b.Run("sync", func(b *testing.B) {
		onTask(b, func(context.Context) {
			var mu sync.Mutex
			for b.Loop() {
				mu.Lock()
				//lint:ignore SA2001 it is the pair that is measured
				mu.Unlock()
			}
		})
	})
}

// spin computes for about d.
func spin(d time.Duration) {
	for begin := time.Now(); time.Since(begin) < d; {
	}
}

// 64 rivals hold the lock for a microsecond each: tasks on 2 workers, or goroutines.
func BenchmarkMutexContended(b *testing.B) {
	var ours lock.Mutex
	var theirs sync.Mutex
	b.Run("lock", func(b *testing.B) {
		c := newCrew(b, 2)
		contend(b, c, c.task, func(ctx context.Context) { _ = ours.Lock(ctx) }, ours.Unlock)
	})
	b.Run("sync", func(b *testing.B) {
		c := newCrew(b, 2)
		contend(b, c, c.goroutine, func(context.Context) { theirs.Lock() }, theirs.Unlock)
	})
}

func contend(b *testing.B, c *crew, start func(func(context.Context)), lock func(context.Context), unlock func()) {
	b.Helper()
	const rivals, hold = 64, time.Microsecond
	longest := make([]time.Duration, rivals)
	for i := range rivals {
		start(func(ctx context.Context) {
			for range b.N/rivals + 1 {
				begin := time.Now()
				lock(ctx)
				longest[i] = max(longest[i], time.Since(begin))
				spin(hold)
				unlock()
			}
		})
	}
	c.wg.Wait()
	b.ReportMetric(float64(slices.Max(longest).Microseconds())/1000, "longest-wait-ms")
}

func BenchmarkSemaphoreUncontended(b *testing.B) {
	s := lock.NewSemaphore(1)
	for b.Loop() {
		_ = s.Acquire(background, 1)
		s.Release(1)
	}
}

func BenchmarkRWMutexReadUncontended(b *testing.B) {
	var rw lock.RWMutex
	for b.Loop() {
		_ = rw.RLock(background)
		rw.RUnlock()
	}
}

// One task sends to another through a queue of 128, on 2 workers.
func BenchmarkQueueSendReceive(b *testing.B) {
	c := newCrew(b, 2)
	q := lock.NewQueue[int](128)
	c.task(func(ctx context.Context) {
		for i := range b.N {
			_ = q.Send(ctx, i)
		}
		q.Close()
	})
	c.task(func(ctx context.Context) {
		for {
			if _, err := q.Receive(ctx); err != nil {
				return
			}
		}
	})
	c.wg.Wait()
}
