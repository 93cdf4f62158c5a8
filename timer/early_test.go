package timer_test

import (
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/timer"
)

// The clock that is reckoned for timers that are started makes none early by the clock that is read.
func TestTimersOfTheRealClockAreNeverEarly(t *testing.T) {
	w, err := timer.New(timer.Config{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := w.Shard(0)
	var (
		tm    timer.Timer
		fired bool
	)
	tm.Init(func() { fired = true })
	for i := range 2_000 {
		var due time.Duration
		for j := range i % 1_000 { // so that it is started at any time after a reading
			due = w.Now() + time.Duration(j)
			tm.ResetOn(s, time.Duration(j))
			fired = false
		}
		for !fired {
			now := w.Now()
			if s.Poll(now); fired && now < due {
				t.Fatalf("turn %d: fired %v early", i, due-now)
			}
			if _, pending := s.Next(); !pending && !fired {
				break // none was started
			}
		}
	}
}
