// Package ideal measures how near a program comes to what the workers could do at best.
//
// With n workers that is n times the speed of serial code, divided by the CPUs that serial code keeps busy: the garbage collector and
// the kernel work beside it, and a second core cannot be used twice.
package ideal

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/internal/bench/stat"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// Report runs a program in turn under [sched.Sequential] and on all workers, and reports the medians: the speed-up, the ideal one, and
// the part of it that was reached.
func Report(b *testing.B, run func(ctx context.Context) error) {
	if _, known := bench.CPUTime(); !known {
		b.Skip("the CPU time of this process is not known here, nor what would be ideal")
	}
	serial := sched.With(context.Background(), sched.Sequential())
	s, err := sched.New()
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	parallel := sched.With(context.Background(), s)
	var one, all, busy []float64
	for i := 0; i < 2 || b.Loop(); i++ {
		wall, cpu := timed(b, serial, run)
		fast, _ := timed(b, parallel, run)
		if i > 0 { // the first time warms up
			one, all = append(one, wall), append(all, fast)
			busy = append(busy, cpu/wall)
		}
	}
	speedup := stat.Median(one) / stat.Median(all)
	best := float64(s.Stats().Workers) / max(1, stat.Median(busy))
	b.ReportMetric(stat.Median(one)*1000, "serial-ms")
	b.ReportMetric(speedup, "speedup")
	b.ReportMetric(best, "ideal")
	b.ReportMetric(speedup/best, "of-ideal")
}

// timed returns the wall time and the CPU time of a run, in seconds.
func timed(b *testing.B, ctx context.Context, run func(ctx context.Context) error) (wall, cpu float64) {
	runtime.GC()
	before, _ := bench.CPUTime()
	start := time.Now()
	if err := run(ctx); err != nil {
		b.Fatal(err)
	}
	wall = time.Since(start).Seconds()
	after, _ := bench.CPUTime()
	return wall, (after - before).Seconds()
}
