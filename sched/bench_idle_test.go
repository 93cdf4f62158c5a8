package sched

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// What an idle scheduler costs a program that does something else. The same stretch of work is done without and with an idle scheduler
// in turn, many times in one process, because what differs from one minute of a machine to the next is more than what is looked for.
// with/without is the median of the ratios of two stretches that follow each other.
func BenchmarkPlainGoroutines(b *testing.B) {
	for _, c := range []struct {
		name string
		work func()
	}{{"talk", talkingGoroutines}, {"compute", computingGoroutines}} {
		b.Run(c.name, func(b *testing.B) {
			var ratios []float64
			var took [2][]float64
			for b.Loop() {
				var pair [2]time.Duration
				for i := range pair {
					with := (i + len(ratios)) % 2 // neither is always the first
					pair[with] = besideScheduler(b, with == 1, c.work)
					took[with] = append(took[with], pair[with].Seconds())
				}
				ratios = append(ratios, float64(pair[1])/float64(pair[0]))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "with/without")
			b.ReportMetric(slices.Min(took[1])/slices.Min(took[0]), "with/without-fastest")
		})
	}
}

// besideScheduler times some work, with an idle scheduler in the process or none.
func besideScheduler(b *testing.B, with bool, work func()) time.Duration {
	if with {
		s, err := New()
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		ctx := With(context.Background(), s)
		if err := For(ctx, 100_000, func(int) {}); err != nil { // its threads run
			b.Fatal(err)
		}
		if _, err := Go(ctx, func(t *Task) (int, error) { return 0, Sleep(t, time.Millisecond) }).Await(context.Background()); err != nil {
			b.Fatal(err)
		}
		for s.Stats().Awake > 0 {
			time.Sleep(time.Millisecond) // a loop without rest would keep a CPU warm in this half only
		}
	}
	time.Sleep(20 * time.Millisecond) // Both halves begin on a machine that has rested. Nothing depends on it but the figure.
	begin := time.Now()
	work()
	return time.Since(begin)
}

// talkingGoroutines are started and awaited, and talk through channels.
func talkingGoroutines() {
	in, out := make(chan int), make(chan int)
	go func() {
		for x := range in {
			out <- x + 1
		}
		close(out)
	}()
	for i := range 5_000 {
		var all sync.WaitGroup
		for range 8 {
			all.Go(runtime.Gosched)
		}
		in <- i
		<-out
		all.Wait()
	}
	close(in)
	<-out
}

// computingGoroutines are 16 for each CPU, which compute for about a millisecond each.
func computingGoroutines() {
	var all sync.WaitGroup
	for i := range 16 * runtime.NumCPU() {
		all.Go(func() {
			x := uint64(i)
			for range 500_000 {
				x = x*6364136223846793005 + 1442695040888963407
			}
			runtime.KeepAlive(x)
		})
	}
	all.Wait()
}
