package timer

import (
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// A Fake is a clock for tests. It starts at 0 and moves only when it is told to.
//
//	var clock timer.Fake
//	wheels, err := timer.New(timer.Config{Now: clock.Now, Run: timer.AtOnce})
type Fake struct{ now atom.Int64 }

// AtOnce is a [Config.Run] for tests: it calls the functions there and then.
func AtOnce(fs []func()) {
	for _, f := range fs {
		f()
	}
}

// Now returns the time of the clock.
func (f *Fake) Now() time.Duration { return time.Duration(f.now.Load()) }

// Advance moves the clock by d, and polls the wheels at every point in between at which a timer is due, as a perfect driver
// would. It returns how many timers have fired. Nobody else may drive the wheels.
func (f *Fake) Advance(w *Wheels, d time.Duration) (fired int) {
	end := later(f.Now(), max(d, 0))
	for when, ok := w.Next(); ok && when <= end; when, ok = w.Next() {
		f.now.Store(max(f.now.Load(), int64(when)))
		fired += w.Poll(f.Now())
	}
	f.now.Store(int64(end))
	return fired
}

// Jump moves the clock by d at once, as if the process had been stopped meanwhile, and then polls. It returns how many timers have
// fired.
func (f *Fake) Jump(w *Wheels, d time.Duration) (fired int) {
	f.now.Store(int64(later(f.Now(), max(d, 0))))
	return f.Advance(w, 0)
}
