package sched

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench/stat"
)

// What an idle scheduler costs a program that does something else. The same stretch of work is done without, with and once more without
// an idle scheduler in turn, many times in one process, because what differs from one minute of a machine to the next is more than what is
// looked for. with/without is the median of the ratios within a turn, between the bounds that hold it with 95 %; control is that of
// the second stretch without to the first one: what the method finds where there is nothing.
func BenchmarkPlainGoroutines(b *testing.B) {
	for _, c := range []struct {
		name string
		work func()
	}{{"talk", talkingGoroutines}, {"compute", computingGoroutines}} {
		b.Run(c.name, func(b *testing.B) {
			var took [3][]float64 // without, with, without
			for b.Loop() {
				turn := len(took[0])
				for i := range took {
					arm := (i + turn) % len(took) // none is always the first
					took[arm] = append(took[arm], besideScheduler(b, arm == 1, c.work).Seconds())
				}
			}
			report := func(name string, arm int) {
				ratios := make([]float64, len(took[arm]))
				for i := range ratios {
					ratios[i] = took[arm][i] / took[0][i]
				}
				lo, hi := stat.MedianInterval(ratios, 0.95)
				b.ReportMetric(stat.Median(ratios), name)
				b.ReportMetric(lo, name+"-low")
				b.ReportMetric(hi, name+"-high")
				b.ReportMetric(slices.Min(took[arm])/slices.Min(took[0]), name+"-fastest")
			}
			report("with/without", 1)
			report("control", 2)
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
			time.Sleep(time.Millisecond) // a loop without rest would keep a CPU warm for this one only
		}
	}
	time.Sleep(20 * time.Millisecond) // All begin on a machine that has rested. Nothing depends on it but the figure.
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
