package timer

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// Times are converted to ticks as by division, at all the boundaries that there are.
func TestTicksAreCountedExactly(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	lengths := []time.Duration{2, 3, MinTick, MinTick + 1, 1<<16 - 1, 1 << 16, 1<<16 + 1, DefaultTick, MaxTick - 1, MaxTick, math.MaxInt64}
	for range 1000 {
		lengths = append(lengths, MinTick+time.Duration(r.Int64N(int64(MaxTick-MinTick))))
	}
	for _, length := range lengths {
		k := scaleOf(length)
		last := math.MaxInt64 / length
		for _, n := range []time.Duration{0, 1, 2, last / 3, last - 1, last, time.Duration(r.Int64N(int64(last) + 1))} {
			for _, x := range []time.Duration{n*length - 1, n * length, n*length + 1, n*length + time.Duration(r.Int64N(int64(length)))} {
				if x < 0 { // or beyond the end of the clock
					continue
				}
				if got := k.by(x); got != uint64(x/length) {
					t.Fatalf("%d lies in tick %d of %d; want %d", x, got, length, x/length)
				}
				at := k.at(x)
				if begin := k.begin(at); begin < x || begin-x >= length || begin != forever && begin%length != 0 {
					t.Fatalf("of ticks of %d, the first after %d is %d, which begins at %d", length, x, at, begin)
				}
			}
		}
		if k.at(-1) != 0 || length >= MinTick && k.begin(never) != forever {
			t.Fatalf("ticks of %d: the past or the end is wrong", length)
		}
	}
}
