package sched

import (
	"context"
	"sync"
)

// A scan goes through its elements twice: once to know what each part sums up to, and again, knowing what comes before the part, to
// write its running results. When an array is larger than the caches the second time must not fetch it from memory once more, so
// the passes are not one after the other but mixed. Elements are taken in units that fit into a core's cache:
//
//	units   0 ... | ready ... | known ... | next ... | n
//	        written  can be     summed, or  untouched
//	                 written    under way
//
// A worker takes the unit ready if there is one, and sums up the unit next otherwise. When a unit has been summed up, and those
// before it have, it is known what comes before the next one. Most of the time that is so at once, and the unit which a worker
// writes is the one that it has just read. No worker waits for another: what it cannot write yet is left, and what is left when
// no unit is untouched is an ordinary loop.
//
// The decoupled look-back of Merrill and Garland (2016, "Single-pass parallel prefix scan") is the same idea where threads may wait
// for each other.

const (
	scanUnit      = 1 << 17
	scanUnitLeast = 1 << 10 // where there are few elements
)

// Scan returns the running results of op over xs: out[i] is xs[0] op xs[1] op ... xs[i], for sums the prefix sums. The order in
// which op is applied depends on the length of xs alone, so the result is the same whatever the number of workers. op must be
// associative (up to rounding).
//
// Errors and panics are those of [For]. From 2,048 elements on it calls op twice for each, so two workers are no faster than one
// that calls it once; more are. For sums of numbers use [PrefixSum], which makes no calls. Scan allocates the result.
func Scan[T any](ctx context.Context, xs []T, op func(a, b T) T) ([]T, error) {
	if op == nil {
		panic("pinwheel: Scan with a nil function")
	}
	out := uncleared[T](len(xs))
	s := &scanning[T]{xs: xs, out: out, op: op}
	s.sum = func(xs []T) T { return foldEach(xs[0], xs[1:], op) }
	s.write = func(to, from []T) { scanEach(to, from, op) }
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	return out, nil
}

// scanEach goes on from to[0]. The calls are written out for the reason given at [batch].
func scanEach[T any](to, from []T, op func(a, b T) T) {
	acc := to[0]
	to, from = to[1:], from[1:]
	for len(from) >= batch && len(to) >= batch {
		x, y := (*[batch]T)(from), (*[batch]T)(to)
		acc = op(acc, x[0])
		y[0] = acc
		acc = op(acc, x[1])
		y[1] = acc
		acc = op(acc, x[2])
		y[2] = acc
		acc = op(acc, x[3])
		y[3] = acc
		acc = op(acc, x[4])
		y[4] = acc
		acc = op(acc, x[5])
		y[5] = acc
		acc = op(acc, x[6])
		y[6] = acc
		acc = op(acc, x[7])
		y[7] = acc
		to, from = to[batch:], from[batch:]
	}
	for i, x := range from {
		acc = op(acc, x)
		to[i] = acc
	}
}

// PrefixSum sets dst[i] to the sum of xs[0] to xs[i]. dst must be as long as xs, or PrefixSum panics, and may be xs itself. The order
// of the additions depends on the length of xs alone, so the result is the same whatever the number of workers, rounding included.
//
// Errors are those of [For]; after one dst has some of the sums. It makes no call for an element, and allocates next to nothing: two
// workers are about as fast as memory is.
func PrefixSum[N Number](ctx context.Context, dst, xs []N) error {
	if len(dst) != len(xs) {
		panic("pinwheel: PrefixSum into a slice of another length")
	}
	s := &scanning[N]{xs: xs, out: dst, op: func(a, b N) N { return a + b }}
	s.sum, s.write = sumOf[N], prefixSums[N]
	return s.run(ctx)
}

// prefixSums goes on from to[0]. It adds up elements by fours, apart from what is before them, so that few additions have to wait
// for the one before.
func prefixSums[N Number](to, from []N) {
	acc := to[0]
	to, from = to[1:], from[1:]
	to = to[:len(from)]
	i := 0
	for ; len(from)-i >= 8; i += 8 {
		x, y := (*[8]N)(from[i:]), (*[8]N)(to[i:])
		a := x[0]
		b := a + x[1]
		c := b + x[2]
		d := b + (x[2] + x[3])
		e := x[4]
		f := e + x[5]
		g := f + x[6]
		h := f + (x[6] + x[7])
		mid := acc + d
		y[0], y[1], y[2], y[3] = acc+a, acc+b, acc+c, mid
		acc += d + h
		y[4], y[5], y[6], y[7] = mid+e, mid+f, mid+g, acc
	}
	for ; i < len(from); i++ {
		acc += from[i]
		to[i] = acc
	}
}

// A scanning is one scan. Its units are of the same length, but the last, which has what is left over.
type scanning[T any] struct {
	*joint
	xs, out []T
	op      func(a, b T) T
	sum     func(xs []T) T     // op over all of xs
	write   func(to, from []T) // sets all of to but the first, which is there

	length, units int

	mu                 sync.Mutex
	ready, known, next int
	state              []scanState[T] // of the units
	before             T              // what comes before unit known, unless that is the first
}

// A scanState has what a unit sums up to, and once it is known what comes before the unit.
type scanState[T any] struct {
	summed bool
	value  T
}

func (s *scanning[T]) run(ctx context.Context) error {
	n := len(s.xs)
	if n == 0 {
		return ctx.Err()
	}
	s.length = min(max(n/64, scanUnitLeast), scanUnit)
	s.units = max(1, n/s.length)
	s.state = make([]scanState[T], s.units)
	workers := workersOf(ctx)
	_, _, err := divide(ctx, func(j *joint) (*scanning[T], portion) {
		s.joint = j
		return s, portion{lo: scanWhole, hi: min(workers, s.units)}
	})
	return err
}

// What a portion of a scan is.
const (
	scanWhole = iota
	scanShare // what hi workers do together
)

func (s *scanning[T]) solve(t *Task, p portion) int {
	switch n := p.hi; {
	case s.units == 1:
		s.writeUnit(0)
	case p.lo == scanWhole:
		s.solve(t, portion{s, scanShare, n, 0})
		s.left()
	case n > 1:
		both(t, portion{s, scanShare, n / 2, 0}, portion{s, scanShare, n - n/2, 0})
	default:
		s.share(t)
	}
	return 0
}

// share sums and writes units for as long as there are any to sum.
func (s *scanning[T]) share(t *Task) {
	for !s.over() {
		u, sum := s.take()
		switch {
		case u < 0:
			return
		case sum:
			s.summed(u, s.sum(s.unitOf(s.xs, u)))
		default:
			s.writeUnit(u)
		}
		if t.Attention() {
			t.SafePoint()
		}
	}
}

// take returns a unit to write, or to sum, or -1.
func (s *scanning[T]) take() (unit int, sum bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.next == s.units:
		return -1, false
	case s.ready < s.known:
		s.ready++
		return s.ready - 1, false
	default:
		s.next++
		return s.next - 1, true
	}
}

// summed says what a unit sums up to, and works out what comes before those units of which all before are summed.
func (s *scanning[T]) summed(unit int, sum T) {
	s.mu.Lock()
	defer s.mu.Unlock() // op may panic
	s.state[unit] = scanState[T]{true, sum}
	for s.known < s.units && s.state[s.known].summed {
		sum := s.state[s.known].value
		if s.known > 0 {
			sum = s.op(s.before, sum)
		}
		s.state[s.known].value, s.before = s.before, sum
		s.known++
	}
}

func (s *scanning[T]) unitOf(xs []T, unit int) []T {
	if unit == s.units-1 {
		return xs[unit*s.length:]
	}
	return xs[unit*s.length:][:s.length]
}

func (s *scanning[T]) writeUnit(unit int) {
	to, from := s.unitOf(s.out, unit), s.unitOf(s.xs, unit)
	if unit == 0 {
		to[0] = from[0]
	} else {
		to[0] = s.op(s.state[unit].value, from[0])
	}
	s.write(to, from)
}

// left writes the units that have been left.
func (s *scanning[T]) left() {
	first := s.ready
	if s.over() {
		return
	}
	_ = ForRange(s.ctx, s.known-first, func(_ *Task, lo, hi int) { // its error is the end of the context
		for u := lo; u < hi; u++ {
			s.writeUnit(first + u)
		}
	})
}
