package timer

import (
	"math/bits"
	"time"
)

// A scale converts times to ticks, the units of a wheel's time.
//
// To start a timer takes two conversions, and 30 ns in all, so there is no division: time is multiplied by the reciprocal of a tick,
// rounded up, in units of 2^-(64+shift). That is exact. Let 2^k be the first power of two that is not less than a tick of
// d, and the reciprocal m = (2^(63+k)+e)/d, where e < d. Then for a time x
//
//	x*m / 2^(63+k)  =  x/d + x*e / (d*2^(63+k))
//
// and what is added is less than 1/d, since x < 2^63 and e < 2^k, so it does not reach the next integer.
type scale struct {
	length     time.Duration
	reciprocal uint64
	shift      uint   // k-1
	last       uint64 // the tick in which the clock ends
}

// scaleOf returns the scale of ticks that are longer than 1 ns.
func scaleOf(length time.Duration) scale {
	shift := uint(bits.Len64(uint64(length-1)) - 1)
	m, rest := bits.Div64(1<<shift, 0, uint64(length))
	if rest != 0 {
		m++
	}
	s := scale{length: length, reciprocal: m, shift: shift}
	s.last = s.by(forever)
	return s
}

// by returns the tick in which a time lies, which must not be negative.
func (s *scale) by(now time.Duration) uint64 {
	high, _ := bits.Mul64(uint64(now), s.reciprocal)
	return high >> s.shift
}

// at returns the first tick that does not begin before when.
func (s *scale) at(when time.Duration) uint64 {
	if when <= 0 {
		return 0
	}
	return s.by(when-1) + 1
}

// begin returns when a tick begins, or the end of the clock.
func (s *scale) begin(tick uint64) time.Duration {
	if tick > s.last {
		return forever
	}
	return time.Duration(tick) * s.length
}
