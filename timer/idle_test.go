package timer_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/timer"
)

func TestAnIdleDriverSleeps(t *testing.T) {
	if _, ok := bench.CPUTime(); !ok {
		t.Skip("the CPU time of the process is not to be had")
	}
	w, err := timer.New(timer.Config{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	d := timer.StartDriver(w)
	defer func() { d.Stop(); w.Close() }()
	timers := make([]timer.Timer, 100_000)
	for i := range timers {
		timers[i].Init(func() {})
		timers[i].ResetOn(w.Shard(i%2-1), time.Hour+time.Duration(i)*time.Millisecond)
	}
	runtime.GC()
	const rest = 300 * time.Millisecond
	before, _ := bench.CPUTime()
	<-w.Shard(-1).After(rest)
	if after, _ := bench.CPUTime(); after-before > rest/2 { // one that did not sleep would take all of one CPU
		t.Errorf("%v of CPU in %v in which nothing was due", after-before, rest)
	}
	runtime.KeepAlive(timers)
}
