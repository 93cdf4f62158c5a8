package timer

import "math/bits"

// The wheel itself: one thread's, without a clock and without a lock.
//
// Time is counted in ticks. A timer that is due at some instant has the first tick that begins at or after it, so it fires
// late by less than a tick and never early. Ticks have 48 bits, read as eight digits of six, and the wheel has a level for
// each digit and a slot for each of its values: a timer lies at the level of the highest digit in which its tick differs from
// now, in the slot of its own digit there.
//
//	now        0 0 0 0 0 3 17 40
//	tick       0 0 0 0 0 3 17 59      level 0, slot 59: fires with its slot
//	tick       0 0 0 0 0 3 21 02      level 1, slot 21: moves down when now reaches ...3 21 00
//	tick       0 0 0 0 5 0 00 00      level 3, slot  5
//
// This gives three invariants:
//
//   - an occupied slot has a digit above that of now, and begins after now, unless it is being drained;
//   - whatever lies at a level is due before everything at the levels above it, and of one level, slots are due in order. So
//     the first occupied slot of the lowest occupied level is the next to look at, and is found in the levels' bit masks;
//   - now may move to any tick before the beginning of that slot, and nothing need be done: neither the digits above the
//     slot's level change, nor does the slot's level get its digit.
//
// When now reaches the beginning of a slot, the slot is drained: what is due goes out, the rest is placed anew, at lower levels
// since now has the slot's digit. A timer is moved at most once for each level, seven times in all. The levels cover every
// tick there is, hence there are no delays too long for them.
//
// A slot can hold a million timers, so draining may be left off and resumed. Then draining points to what is left of the slot.
// Until that is empty, now stands still; no timer can be placed in that slot, because its digit is that of now.
//
// See G. Varghese and T. Lauck, "Hashed and hierarchical timing wheels", SOSP 1987, scheme 7. Unlike there, the wheel does not
// advance by ticks but from occupied slot to occupied slot, as the bit masks show them, so that time without timers costs
// nothing.
type wheel struct {
	now     uint64 // what has a tick up to this has left the levels
	free    uint64 // now may move up to this: no occupied slot begins before or at it. A lower bound.
	pending int    // timers in the wheel

	draining *list
	blocks   spare
	holes    holes              // to be made in blocks
	sink     uint64             // keeps the compiler from leaving out what fetch does
	occupied [levels + 1]uint64 // a bit for each list that is not empty
	lists    [neverList + 1]list
}

const (
	digit  = 6
	slots  = 1 << digit
	levels = 8

	dueList   = levels * slots // has the timers that were due when they were placed
	neverList = dueList + 1    // has those whose tick is never: by its highest digit, the ninth, that is where it belongs

	never = 1 << (levels * digit) // the tick of what is due after the end of the clock, and of nothing
)

// A list is the timers of one slot, in the order in which they came there.
type list struct {
	first, last *block
	least       uint64 // a lower bound of their ticks: the least that there has been since it was empty
	n           int
}

// insert adds a timer that is in no wheel. now is the present or earlier: a wheel that was not looked at for some time catches up,
// as far as it may, lest the timer go through more levels than it need. It returns the tick at which the wheel must be looked
// at for the timer's sake.
func (w *wheel) insert(t *Timer, now uint64) (event uint64) {
	if now = min(now, w.free); now > w.now {
		w.now = now
	}
	w.pending++
	return w.place(t)
}

// place puts a timer where it belongs.
func (w *wheel) place(t *Timer) (event uint64) {
	i, begin := uint(dueList), w.now
	if t.tick > w.now {
		level := uint(bits.Len64(t.tick^w.now)-1) / digit
		shift := level * digit
		i = level*slots + uint(t.tick>>shift)%slots
		begin = t.tick >> shift << shift
		w.free = min(w.free, begin-1)
	}
	l := &w.lists[i]
	if l.n == 0 {
		w.occupied[i/slots] |= 1 << (i % slots)
		l.least = t.tick
	} else {
		l.least = min(l.least, t.tick)
	}
	l.n++
	b := l.last
	if b == nil || b.end == blockSize {
		b = w.blocks.get()
		l.append(b)
	}
	b.put(t)
	t.slot = uint16(i + 1)
	return l.event(begin)
}

// event returns when a list that begins at begin must be drained, so that no timer of it is late. That is when the first is
// due, and not at begin: a driver should not wake only to move timers. But if there are many, moving them takes some time
// (100 ns each, where a tick is 50 us at least), which must be over by then.
func (l *list) event(begin uint64) uint64 {
	early := uint64(l.n >> 8)
	return max(begin, l.least-min(early, l.least))
}

// remove takes a timer out. It must be in this wheel. Its block may learn of that later: see holes.
func (w *wheel) remove(t *Timer) {
	i, b := uint(t.slot-1), t.block
	w.leave(t)
	if b == w.lists[i].last { // Most likely it was started a moment ago, and its block is at hand.
		w.vacate(&w.lists[i], b, t.place)
	} else {
		w.holes.add(hole{b, uint16(i), t.place})
	}
	if w.holes.n == maxHoles || w.pending == 0 {
		w.tidy()
	}
}

// pull takes out the first timer of a list, which must have one, and no hole outstanding.
func (w *wheel) pull(l *list) *Timer {
	b := l.first
	t := b.first()
	w.leave(t)
	w.vacate(l, b, t.place)
	return t
}

// leave takes a timer out of the accounts.
func (w *wheel) leave(t *Timer) {
	i := uint(t.slot - 1)
	t.block, t.slot = nil, 0
	if w.lists[i].n--; w.lists[i].n == 0 {
		w.occupied[i/slots] &^= 1 << (i % slots)
	}
	w.pending--
}

// vacate takes a timer out of its block. The last block of a list stays there when it is empty, for the next timer of the slot.
func (w *wheel) vacate(l *list, b *block, place uint8) {
	switch b.take(place); {
	case b.n != 0:
	case b.next == nil && b.prev == nil:
		b.reset()
	default:
		l.cut(b)
		w.blocks.put(b)
	}
}

// tidy makes the holes that are outstanding. It must be done before blocks are searched for timers.
func (w *wheel) tidy() {
	if w.holes.n == 0 {
		return
	}
	w.sink += w.holes.fetch()
	for h, ok := w.holes.take(); ok; h, ok = w.holes.take() {
		w.vacate(&w.lists[h.list], h.block, h.place)
	}
}

// expire takes out a timer whose tick is not after now, or returns nil: then there is none, or *moves is 0. That is how many
// timers it may still move.
func (w *wheel) expire(now uint64, moves *int) *Timer {
	w.tidy()
	for *moves > 0 {
		l := w.draining
		if l == nil || l.n == 0 {
			if !w.advance(now) {
				return nil
			}
			continue
		}
		*moves--
		if b := l.first; !b.fetched {
			w.sink |= b.fetch()
		}
		t := w.pull(l)
		if t.tick <= w.now {
			return t
		}
		w.pending++
		w.place(t)
	}
	return nil
}

// advance moves towards now, to the next slot that there is to drain. If there is none before now, it reports false.
func (w *wheel) advance(now uint64) bool {
	if l := &w.lists[dueList]; l.n != 0 {
		w.draining = l
		return true
	}
	w.draining = nil
	i, begin := w.next()
	if begin > now {
		w.now, w.free = max(w.now, now), begin-1
		return false
	}
	w.now, w.free = begin, begin
	w.draining = &w.lists[i]
	return true
}

// next returns the first occupied slot, and the tick at which it begins; never if there is none.
func (w *wheel) next() (i uint, begin uint64) {
	for level := range uint(levels) {
		if set := w.occupied[level]; set != 0 {
			slot := uint(bits.TrailingZeros64(set))
			shift := level * digit
			return level*slots + slot, (w.now>>shift>>digit<<digit | uint64(slot)) << shift
		}
	}
	return 0, never
}

// event returns the tick from which on the wheel must be looked at; never if it need not be.
func (w *wheel) event() uint64 {
	if w.lists[dueList].n != 0 || w.draining != nil && w.draining.n != 0 {
		return w.now
	}
	i, begin := w.next()
	if begin == never {
		return never
	}
	return w.lists[i].event(begin)
}
