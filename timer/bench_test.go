package timer_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/timer"
)

// The benchmarks are named after the paths through a shard. Each comes with the same for package time ("std"), so that one run
// compares them. pending timers are spread over an hour from now.

func benchWheels(b *testing.B, workers int) *timer.Wheels {
	b.Helper()
	w, err := timer.New(timer.Config{Workers: workers})
	if err != nil {
		b.Fatal(err)
	}
	return w
}

func someTime(r *rand.Rand) time.Duration {
	return 10*time.Minute + time.Duration(r.Int64N(int64(time.Hour)))
}

// fill starts n timers in a shard.
func fill(s *timer.Shard, n int) []timer.Timer {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	timers := make([]timer.Timer, n)
	for i := range timers {
		timers[i].Init(func() {})
		timers[i].ResetOn(s, someTime(r))
	}
	return timers
}

func fillStd(b *testing.B, n int) []*time.Timer {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	timers := make([]*time.Timer, n)
	for i := range timers {
		timers[i] = time.AfterFunc(someTime(r), func() {})
	}
	b.Cleanup(func() {
		for _, t := range timers {
			t.Stop()
		}
	})
	return timers
}

func BenchmarkInsertCancel(b *testing.B) {
	for _, pending := range []int{0, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("pinwheel-at/pending=%d", pending), func(b *testing.B) {
			w := benchWheels(b, 1)
			timers := fill(w.Shard(0), pending)
			var t timer.Timer
			t.Init(func() {})
			when := w.Now() + time.Second
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				t.ResetAt(w.Shard(0), when)
				t.Stop()
			}
			runtime.KeepAlive(timers)
		})
		b.Run(fmt.Sprintf("pinwheel/pending=%d", pending), func(b *testing.B) {
			w := benchWheels(b, 1)
			timers := fill(w.Shard(0), pending)
			var t timer.Timer
			t.Init(func() {})
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				t.ResetOn(w.Shard(0), time.Second)
				t.Stop()
			}
			runtime.KeepAlive(timers)
		})
		b.Run(fmt.Sprintf("pinwheel-AfterFunc/pending=%d", pending), func(b *testing.B) {
			w := benchWheels(b, 1)
			timers := fill(w.Shard(0), pending)
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				w.Shard(0).AfterFunc(time.Second, func() {}).Stop()
			}
			runtime.KeepAlive(timers)
		})
		b.Run(fmt.Sprintf("std-AfterFunc/pending=%d", pending), func(b *testing.B) {
			fillStd(b, pending)
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				time.AfterFunc(time.Second, func() {}).Stop()
			}
		})
		b.Run(fmt.Sprintf("std-Reset/pending=%d", pending), func(b *testing.B) {
			fillStd(b, pending)
			t := time.AfterFunc(time.Hour, func() {})
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				t.Reset(time.Second)
				t.Stop()
			}
		})
	}
}

// BenchmarkInsertCancelWorkers is the same on one worker and on two, each with its shard.
func BenchmarkInsertCancelWorkers(b *testing.B) {
	const pending = 1_000_000
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("pinwheel/workers=%d", workers), func(b *testing.B) {
			w := benchWheels(b, workers)
			var others [][]timer.Timer
			for i := range workers {
				others = append(others, fill(w.Shard(i), pending/workers))
			}
			b.ResetTimer()
			var wg sync.WaitGroup
			for i := range workers {
				wg.Go(func() {
					t := &others[i][0]
					for range b.N / workers {
						t.ResetOn(w.Shard(i), time.Second)
						t.Stop()
					}
				})
			}
			wg.Wait()
		})
	}
}

// BenchmarkCancelRandomInsert replaces timers in an order that no cache can foresee.
func BenchmarkCancelRandomInsert(b *testing.B) {
	const pending = 1_000_000
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("pinwheel-embedded/workers=%d", workers), func(b *testing.B) {
			w := benchWheels(b, workers)
			timers := make([][]timer.Timer, workers)
			for i := range timers {
				timers[i] = fill(w.Shard(i), pending/workers)
			}
			b.ResetTimer()
			var wg sync.WaitGroup
			for i := range workers {
				wg.Go(func() {
					r := rand.New(rand.NewPCG(2, uint64(i)))
					for range b.N / workers {
						t := &timers[i][r.IntN(len(timers[i]))]
						t.Stop()
						t.ResetOn(w.Shard(i), someTime(r))
					}
				})
			}
			wg.Wait()
		})
		b.Run(fmt.Sprintf("pinwheel-AfterFunc/workers=%d", workers), func(b *testing.B) {
			w := benchWheels(b, workers)
			timers := make([][]*timer.Timer, workers)
			for i := range timers {
				r := rand.New(rand.NewPCG(1, uint64(i)))
				for range pending / workers {
					timers[i] = append(timers[i], w.Shard(i).AfterFunc(someTime(r), func() {}))
				}
			}
			b.ResetTimer()
			var wg sync.WaitGroup
			for i := range workers {
				wg.Go(func() {
					r := rand.New(rand.NewPCG(2, uint64(i)))
					for range b.N / workers {
						k := r.IntN(len(timers[i]))
						timers[i][k].Stop()
						timers[i][k] = w.Shard(i).AfterFunc(someTime(r), func() {})
					}
				})
			}
			wg.Wait()
		})
		b.Run(fmt.Sprintf("std-AfterFunc/workers=%d", workers), func(b *testing.B) {
			timers := make([][]*time.Timer, workers)
			for i := range timers {
				timers[i] = fillStd(b, pending/workers)
			}
			b.ResetTimer()
			var wg sync.WaitGroup
			for i := range workers {
				wg.Go(func() {
					r := rand.New(rand.NewPCG(2, uint64(i)))
					for range b.N / workers {
						k := r.IntN(len(timers[i]))
						timers[i][k].Stop()
						timers[i][k] = time.AfterFunc(someTime(r), func() {})
					}
				})
			}
			wg.Wait()
		})
	}
}

// BenchmarkInsertFire starts timers that are due within 100 ms and waits for the last, a million in flight at a time. The
// interesting figure is the CPU time for each, of the whole process.
func BenchmarkInsertFire(b *testing.B) {
	const flight = 1_000_000
	run := func(name string, start func(b *testing.B, d time.Duration, done func())) {
		b.Run(name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(3, 3))
			before, _ := bench.CPUTime()
			for left := b.N; left > 0; {
				n := min(left, flight)
				left -= n
				var wg sync.WaitGroup
				wg.Add(n)
				for range n {
					start(b, time.Duration(r.Int64N(int64(100*time.Millisecond))), wg.Done)
				}
				wg.Wait()
			}
			after, _ := bench.CPUTime()
			b.ReportMetric(float64(after-before)/float64(b.N), "cpu-ns/timer")
		})
	}
	var w *timer.Wheels
	driven := func(f func(d time.Duration, done func())) func(*testing.B, time.Duration, func()) {
		return func(b *testing.B, d time.Duration, done func()) {
			if w == nil {
				w = benchWheels(b, 0)
				driver := timer.StartDriver(w)
				b.Cleanup(func() { driver.Stop(); w = nil })
			}
			f(d, done)
		}
	}
	run("pinwheel-direct", driven(func(d time.Duration, done func()) {
		t := &timer.Timer{}
		t.Init(done)
		t.ResetOn(w.Shard(-1), d)
	}))
	run("pinwheel-AfterFunc", driven(func(d time.Duration, done func()) { w.Shard(-1).AfterFunc(d, done) }))
	run("std-AfterFunc", func(_ *testing.B, d time.Duration, done func()) { time.AfterFunc(d, done) })
}

// BenchmarkRemoteCancel stops timers that another goroutine has started in its own shard.
func BenchmarkRemoteCancel(b *testing.B) {
	const window = 1024
	run := func(name string, start func() (stop func() bool)) {
		b.Run(name, func(b *testing.B) {
			stops := make(chan func() bool, window)
			go func() {
				for range b.N {
					stops <- start()
				}
				close(stops)
			}()
			for stop := range stops {
				stop()
			}
		})
	}
	w := benchWheels(b, 1)
	run("pinwheel", func() func() bool { return w.Shard(0).AfterFunc(time.Hour, func() {}).Stop })
	run("std", func() func() bool { return time.AfterFunc(time.Hour, func() {}).Stop })
}

// BenchmarkLateness starts timers of 1 to 20 ms, one after the other, and says how late they were: "direct" when the driver
// fires, the others when the goroutine that waits goes on.
func BenchmarkLateness(b *testing.B) {
	run := func(name string, sleep func(d time.Duration) (late time.Duration)) {
		b.Run(name, func(b *testing.B) {
			r := rand.New(rand.NewPCG(4, 4))
			late := make([]time.Duration, b.N)
			for i := range late {
				late[i] = sleep(time.Millisecond + time.Duration(r.Int64N(int64(20*time.Millisecond))))
			}
			slices.Sort(late)
			if late[0] < 0 {
				b.Errorf("%v early", -late[0])
			}
			b.ReportMetric(float64(late[len(late)/2]), "late-p50-ns")
			b.ReportMetric(float64(late[len(late)*99/100]), "late-p99-ns")
			b.ReportMetric(0, "ns/op")
		})
	}
	timed := func(sleep func(d time.Duration)) func(d time.Duration) time.Duration {
		return func(d time.Duration) time.Duration {
			start := time.Now()
			sleep(d)
			return time.Since(start) - d
		}
	}
	w := benchWheels(b, 0)
	driver := timer.StartDriver(w)
	defer driver.Stop()
	run("pinwheel-direct", func(d time.Duration) time.Duration {
		fired := make(chan time.Duration, 1)
		var t timer.Timer
		start := time.Now()
		t.Init(func() { fired <- time.Since(start) })
		t.ResetOn(w.Shard(-1), d)
		return <-fired - d
	})
	run("pinwheel-Sleep", timed(func(d time.Duration) { _ = w.Shard(-1).Sleep(b.Context(), d) }))
	run("pinwheel-After", timed(func(d time.Duration) { <-w.Shard(-1).After(d) }))
	run("std-Sleep", timed(time.Sleep))
}
