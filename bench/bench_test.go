package bench

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/sched"
)

// fib forks for each call, without cut-off.
func fib(p pool, n int) int {
	if n < 2 {
		return n
	}
	var x, y int
	p.fork(func() { x = fib(p, n-1) }, func() { y = fib(p, n-2) })
	return x + y
}

var fibs = sched.NewFork[int, int]()

func typedFib(t *sched.Task, n int) int {
	if n < 2 {
		return n
	}
	f := fibs.Fork(t, typedFib, n-1)
	y := typedFib(t, n-2)
	return f.Join(t) + y
}

func closureFib(t *sched.Task, n int) int {
	if n < 2 {
		return n
	}
	x, y := sched.Join(t,
		func(t *sched.Task) int { return closureFib(t, n-1) },
		func(t *sched.Task) int { return closureFib(t, n-2) })
	return x + y
}

// run runs a recursion as one task of the default scheduler.
func run(tb testing.TB, fib func(*sched.Task, int) int, n int) int {
	x, err := sched.Run(context.Background(), func(t *sched.Task) (int, error) { return fib(t, n), nil })
	if err != nil {
		tb.Error(err)
	}
	return x
}

const (
	fibN     = 20
	fibX     = 6765
	fibForks = 10945
)

func TestEveryPeerComputesTheSame(t *testing.T) {
	for _, peer := range append(peers, loops) {
		t.Run(peer.name, func(t *testing.T) {
			p := peer.open(t, 0)
			if x := fib(p, fibN); x != fibX {
				t.Errorf("fib(%d) = %d, want %d", fibN, x, fibX)
			}
			var ran atomic.Int64
			p.all(100, func() {
				p.all(10, func() { ran.Add(1) })
			})
			if ran.Load() != 1000 {
				t.Errorf("%d of 1000 tasks ran", ran.Load())
			}
		})
	}
	if x := run(t, typedFib, fibN); x != fibX {
		t.Errorf("typed: fib(%d) = %d, want %d", fibN, x, fibX)
	}
	if x := run(t, closureFib, fibN); x != fibX {
		t.Errorf("closures: fib(%d) = %d, want %d", fibN, x, fibX)
	}
}

// The README says who hangs here. If one no longer does, it has to say so.
func TestAPoolWaitsForItsOwnTasks(t *testing.T) {
	for _, peer := range append(peers, loops) {
		t.Run(peer.name, func(t *testing.T) {
			t.Parallel()
			p := peer.open(t, 1)
			done := make(chan struct{})
			go func() {
				p.all(1, func() { p.fork(func() {}, func() {}) })
				close(done)
			}()
			wait := 2 * time.Second // for a pool that is expected to hang
			if peer.nests {
				wait = time.Minute
			}
			nests := false
			select {
			case <-done:
				nests = true
			case <-time.After(wait):
			}
			if nests != peer.nests {
				t.Errorf("a task that submits to its own full pool and waits ends: %t, want %t", nests, peer.nests)
			}
		})
	}
}

func BenchmarkFib(b *testing.B) {
	perFork := func(b *testing.B, fib func() int) {
		b.ReportAllocs()
		for b.Loop() {
			if x := fib(); x != fibX {
				b.Fatal(x)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/fibForks, "ns/fork")
	}
	b.Run("peer=pinwheel-typed", func(b *testing.B) {
		perFork(b, func() int { return run(b, typedFib, fibN) })
	})
	b.Run("peer=pinwheel-closures", func(b *testing.B) {
		perFork(b, func() int { return run(b, closureFib, fibN) })
	})
	for _, peer := range peers {
		b.Run("peer="+peer.name, func(b *testing.B) {
			p := peer.open(b, 0)
			perFork(b, func() int { return fib(p, fibN) })
		})
	}
}

// BenchmarkPair is a region of two tasks, started by a goroutine.
func BenchmarkPair(b *testing.B) { benchmarkAll(b, 2) }

// BenchmarkTasks is 10,000 tasks, submitted by a goroutine and awaited.
func BenchmarkTasks(b *testing.B) { benchmarkAll(b, 10_000) }

func benchmarkAll(b *testing.B, n int) {
	for _, peer := range append(peers, loops) {
		b.Run("peer="+peer.name, func(b *testing.B) {
			p := peer.open(b, 0)
			b.ReportAllocs()
			for b.Loop() {
				p.all(n, func() {})
			}
			perTask(b, n)
		})
	}
}

// BenchmarkNested is 100 tasks, each of which submits 10 and awaits them.
func BenchmarkNested(b *testing.B) {
	for _, peer := range append(peers, loops) {
		b.Run("peer="+peer.name, func(b *testing.B) {
			p := peer.open(b, 0)
			b.ReportAllocs()
			for b.Loop() {
				p.all(100, func() { p.all(10, func() {}) })
			}
			perTask(b, 1100)
		})
	}
}

func perTask(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/task")
}
