package tick

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// A Clock tells the time of [atom.Now] for a third of what reading that costs, if it is asked often: for 32 us after a reading
// of the system's clock it reckons from the counter how late it may have become. The zero Clock is ready for use. It is one
// thread's at a time.
//
// That is right only where the system's clock is made of the same counter, so that both stop and jump together; elsewhere
// every time is read. What is left between them is how long a count is. The system may run its clock faster or slower than
// the counter, to correct it, by up to a tenth (adjtimex). What a count has taken on average since the process started is
// hence off by a factor of 1.1/0.9 at most, and by what that average was measured wrong: less than a sixty-fourth. A quarter
// is added for both. So a time that is reckoned may be late by 8 us, and by as much as the thread was stopped between reading
// the counter and the clock, if that is less than 32 us; it is never early.
type Clock struct {
	at     Count         // read before the system's clock was, so the count of that time is not less
	read   time.Duration // what that said
	rate   uint64        // what is reckoned for a count, in 2^-32 ns
	window Count         // for how many counts; 0: none
}

const (
	reckoned  = 32 * time.Microsecond // how long a reading serves, in time that is reckoned
	unordered = 128 * time.Nanosecond // by how much more the processor may have read the counter too early
)

// Now returns two times between which the present lies: one that has been, and one that has not passed.
func (c *Clock) Now() (least, most time.Duration) {
	n := Now()
	if passed := n - c.at; passed < c.window { // A counter that is behind has passed very much.
		return c.read, c.read + time.Duration(uint64(passed)*c.rate>>32) + unordered
	}
	return c.consult(n)
}

// consult reads the system's clock, after the counter has said n.
func (c *Clock) consult(n Count) (least, most time.Duration) {
	now := atom.Now()
	if c.rate == 0 {
		c.rate, c.window = reckoning(rate())
	}
	if c.rate != 0 {
		c.at, c.read = n, now
	}
	return now, now
}

// reckoning returns what is reckoned for a count that takes so long on average, and for how many counts.
func reckoning(average uint64) (rate uint64, window Count) {
	if rate = average / 4 * 5; rate != 0 {
		window = Count(uint64(reckoned) << 32 / rate)
	}
	return rate, window
}

// known is what rate has found out.
var known atomic.Uint64

// rate returns how long a count has taken on average since the process started, in 2^-32 ns, to a sixty-fourth. It returns 0 if that is
// not known yet, or if nothing can be reckoned from counts.
func rate() uint64 {
	if r := known.Load(); r != 0 || !reckons() {
		return r
	}
	r := began.rateTo(mark())
	known.Store(r)
	return r
}

// A reading is both clocks, the counter before and after the system's.
type reading struct {
	before, after Count
	now           time.Duration
}

var began = mark()

// mark reads both clocks, as close to each other as it succeeds in a few attempts.
func mark() (best reading) {
	width := Count(math.MaxUint64)
	for range 8 {
		var r reading
		r.before = Now()
		r.now = atom.Now()
		r.after = Now()
		if w := r.after - r.before; w < width {
			best, width = r, w
		}
	}
	return best
}

// rateTo returns how long a count took between two readings, or 0 if they are too inexact or too close.
func (r reading) rateTo(end reading) uint64 {
	counts, inexact := end.before-r.before, (r.after-r.before)+(end.after-end.before)
	if end.before <= r.after || inexact > counts/64 {
		return 0
	}
	return uint64(math.Ldexp(float64(end.now-r.now), 32) / float64(counts))
}
