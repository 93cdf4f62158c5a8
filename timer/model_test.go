package timer

import (
	"container/heap"
	"math/rand/v2"
	"testing"
	"time"
)

// A model is wheels and what they ought to do: a heap of the pending timers by their deadline.
type model struct {
	t      *testing.T
	r      *rand.Rand
	w      *Wheels
	clock  *Fake
	timers []*modelTimer
	heap   modelHeap
}

type modelTimer struct {
	Timer
	when  time.Duration
	index int // in the heap; -1 if it is not pending
	fired int
}

type modelHeap []*modelTimer

func (h modelHeap) Len() int           { return len(h) }
func (h modelHeap) Less(i, j int) bool { return h[i].when < h[j].when }
func (h modelHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].index, h[j].index = i, j }

func (h *modelHeap) Push(x any) {
	mt := x.(*modelTimer)
	mt.index = len(*h)
	*h = append(*h, mt)
}

func (h *modelHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

func newModel(t *testing.T, timers int) *model {
	m := &model{t: t, r: seeded(t)}
	m.w, m.clock = newFake(t, 2, 0)
	for range timers {
		mt := &modelTimer{index: -1}
		mt.Init(func() { m.fire(mt) })
		m.timers = append(m.timers, mt)
	}
	return m
}

func (m *model) fire(mt *modelTimer) {
	if mt.index < 0 {
		m.t.Fatalf("a timer fired that is not pending")
	}
	if now := m.clock.Now(); mt.when > now {
		m.t.Fatalf("at %d, %v early", now, mt.when-now)
	}
	m.forget(mt)
	mt.fired++
}

func (m *model) forget(mt *modelTimer) {
	heap.Remove(&m.heap, mt.index)
	mt.index = -1
}

// duration is one of those that are awkward, or a random one of a random magnitude.
func (m *model) duration() time.Duration {
	tick := m.w.Tick()
	switch m.r.IntN(8) {
	case 0:
		return time.Duration(m.r.IntN(5)-2) * tick / 2
	case 1: // a number of ticks next to a boundary
		ticks := uint64(1)<<m.r.IntN(48) + uint64(m.r.IntN(3)) - 1
		return later(0, time.Duration(ticks)*tick) + time.Duration(m.r.IntN(3)-1)
	case 2: // a deadline next to a boundary
		shift := uint(m.r.IntN(48))
		when := (m.w.ticks.by(m.clock.Now())>>shift + 1) << shift
		return time.Duration(when)*tick - m.clock.Now() + time.Duration(m.r.IntN(3)-1)
	case 3:
		return time.Duration(m.r.Uint64() >> 1 >> m.r.IntN(63))
	default:
		return time.Duration(m.r.Uint64() >> 1 >> (63 - m.r.IntN(35)))
	}
}

func (m *model) step() {
	mt := m.timers[m.r.IntN(len(m.timers))]
	pending := mt.index >= 0
	switch op := m.r.IntN(16); {
	case op < 8:
		d := m.duration()
		s := m.w.Shard(m.r.IntN(3) - 1)
		if got := mt.ResetOn(s, d); got != pending {
			m.t.Fatalf("Reset of a timer that is pending, %v, returned %v", pending, got)
		}
		if pending {
			m.forget(mt)
		}
		mt.when = later(m.clock.Now(), max(0, d))
		heap.Push(&m.heap, mt)
	case op < 13:
		if got := mt.Stop(); got != pending {
			m.t.Fatalf("Stop of a timer that is pending, %v, returned %v", pending, got)
		}
		if pending {
			m.forget(mt)
		}
	case op < 14 && len(m.heap) > 0: // to the next deadline, or just before, or just after
		d := m.heap[0].when - m.clock.Now()
		if d > 1000*time.Hour && m.r.IntN(10_000) != 0 {
			d = time.Hour // The clock should not reach its end too soon.
		}
		m.advance(d + m.w.Tick()*time.Duration(m.r.IntN(3)-1))
	default:
		m.advance(time.Duration(m.r.Uint64() >> 1 >> (63 - m.r.IntN(28))))
	}
}

// advance moves the clock, polls, and checks that what had to fire has.
func (m *model) advance(d time.Duration) {
	now := later(m.clock.Now(), max(0, d))
	m.clock.now.Store(int64(now))
	if m.r.IntN(8) == 0 { // A worker may be alone in polling, with a clock that it has read some time ago.
		m.w.Shard(m.r.IntN(2)).Poll(now - time.Duration(m.r.Int64N(int64(min(now, time.Second)+1))))
	}
	pollAll(m.w, now)
	tick := m.w.ticks.by(now)
	if len(m.heap) > 0 && m.w.ticks.at(m.heap[0].when) <= tick {
		m.t.Fatalf("at %d, a timer is more than a tick late that was due at %d", now, m.heap[0].when)
	}
	next, ok := m.w.Next()
	if len(m.heap) > 0 && next-m.w.Tick() >= m.heap[0].when {
		m.t.Fatalf("at %d, Next is %d, %v, though a timer is due at %d", now, next, ok, m.heap[0].when)
	}
	if ok && next <= now {
		m.t.Fatalf("at %d, there is nothing to do, and Next is %d", now, next)
	}
	if n := m.w.Pending(); n != len(m.heap) {
		m.t.Fatalf("%d timers are pending, not %d", n, len(m.heap))
	}
	if m.r.IntN(100) == 0 {
		for _, s := range m.w.shards {
			s.wheel.check(m.t)
		}
	}
}

// check looks for violations of the invariants of a wheel that is not being drained.
func (w *wheel) check(t *testing.T) {
	t.Helper()
	stopped := make(map[hole]bool)
	for _, h := range w.holes.all[:w.holes.n] {
		if h.block.timers[h.place] == nil || stopped[h] {
			t.Fatalf("a hole is made twice, in list %d", h.list)
		}
		stopped[h] = true
	}
	pending := 0
	for i := range w.lists {
		l := &w.lists[i]
		level, slot := uint(i/slots), uint64(i%slots)
		shift := level * digit
		begin := (w.now>>shift>>digit<<digit | slot) << shift
		if occupied := w.occupied[level]>>slot&1 == 1; occupied != (l.n > 0) {
			t.Fatalf("level %d, slot %d has %d timers; occupied: %v", level, slot, l.n, occupied)
		}
		if l.n > 0 && i != dueList && (begin <= w.now || begin <= w.free) {
			t.Fatalf("level %d, slot %d begins at %d, now is %d, free is %d", level, slot, begin, w.now, w.free)
		}
		n, holes := 0, 0
		for b := l.first; b != nil; b = b.next {
			inBlock := 0
			for place, timer := range b.timers {
				if timer == nil {
					continue
				}
				inBlock++
				if stopped[hole{b, uint16(i), uint8(place)}] {
					holes++
					continue
				}
				if timer.block != b || int(timer.place) != place || int(timer.slot) != i+1 {
					t.Fatalf("level %d, slot %d: a timer is not where it says", level, slot)
				}
				if i != dueList && timer.tick>>shift != begin>>shift || timer.tick < l.least {
					t.Fatalf("level %d, slot %d: tick %d does not belong here", level, slot, timer.tick)
				}
			}
			if inBlock != int(b.n) || inBlock == 0 && b.next != b.prev {
				t.Fatalf("level %d, slot %d: a block has %d timers, and says %d", level, slot, inBlock, b.n)
			}
			n += inBlock
		}
		if n -= holes; n != l.n {
			t.Fatalf("level %d, slot %d has %d timers, and says %d", level, slot, n, l.n)
		}
		pending += n
	}
	if pending == 0 && len(stopped) != 0 {
		t.Fatalf("a wheel without timers knows %d that were stopped", len(stopped))
	}
	if pending != w.pending {
		t.Fatalf("%d timers are pending, and it says %d", pending, w.pending)
	}
}

func TestAWheelThatHasMoreToDoSaysSo(t *testing.T) {
	expect := func(w *wheel, want uint64) {
		t.Helper()
		if event := w.event(); event != want {
			t.Errorf("the wheel is to be looked at when it is %d, not %d", event, want)
		}
	}
	expire := func(w *wheel, now uint64, want *Timer) {
		t.Helper()
		moves := 1
		if got := w.expire(now, &moves); got != want {
			t.Fatalf("%p fires, not %p", got, want)
		}
	}
	t.Run("timers that are due, while a slot is being drained", func(t *testing.T) {
		w := &wheel{free: never - 1}
		timers := []*Timer{{tick: 10}, {tick: 10}, {tick: 0}}
		w.insert(timers[0], 0)
		w.insert(timers[1], 0)
		expire(w, 10, timers[0])
		w.insert(timers[2], 10)
		expect(w, 10)
		expire(w, 10, timers[1])
		expect(w, 10)
		expire(w, 10, timers[2])
		expect(w, never)
	})
	t.Run("a slot of a higher level", func(t *testing.T) {
		w := &wheel{free: never - 1}
		timers := []*Timer{{tick: slots + 6}, {tick: slots}}
		w.insert(timers[0], 0)
		w.insert(timers[1], 0)
		expect(w, slots)
		expire(w, slots, nil) // moves the first
		expect(w, slots)
		expire(w, slots, timers[1])
		expect(w, slots+6)
	})
}

func TestWheelsAgreeWithAHeap(t *testing.T) {
	operations := 1_000_000
	if testing.Short() {
		operations /= 10
	}
	for _, timers := range []int{1, 10, 1000} {
		m := newModel(t, timers)
		for range operations / 3 {
			m.step()
		}
		fired := 0
		for _, mt := range m.timers {
			fired += mt.fired
			mt.Stop()
		}
		if n := m.w.Pending(); n != 0 {
			t.Errorf("%d of %d timers are pending after all were stopped", n, timers)
		}
		t.Logf("%d timers: %d fired", timers, fired)
	}
}

// Here the clock is started anew again and again, at times of all magnitudes.
func TestYoungWheelsAgreeWithAHeap(t *testing.T) {
	for range 300 {
		m := newModel(t, 30)
		m.clock.now.Store(int64(m.r.Uint64() >> 1 >> m.r.IntN(63)))
		for range 500 {
			m.step()
		}
	}
}

// Draining a slot of many timers takes several polls, between which timers come and go.
func TestAFullSlotIsDrainedInPieces(t *testing.T) {
	m := newModel(t, 20_000)
	s := m.w.Shard(0)
	start := func(mt *modelTimer, d time.Duration) {
		mt.ResetOn(s, d)
		mt.when = m.clock.Now() + d
		heap.Push(&m.heap, mt)
	}
	for _, mt := range m.timers[:10_000] {
		start(mt, time.Second+time.Duration(m.r.Int64N(int64(200*time.Millisecond))))
	}
	m.clock.now.Store(int64(1100 * time.Millisecond))
	now := m.clock.Now()
	polls := 0
	for when, ok := s.Next(); ok && when <= now; when, ok = s.Next() {
		s.Poll(now)
		polls++
		for range 10 {
			mt := m.timers[m.r.IntN(len(m.timers))]
			switch {
			case mt.index < 0:
				start(mt, time.Duration(m.r.Int64N(int64(10*time.Millisecond))))
			case mt.Stop():
				m.forget(mt)
			default:
				t.Fatal("Stop of a pending timer returned false")
			}
		}
	}
	if polls < 10 {
		t.Errorf("%d polls, which is too few for this test to show anything", polls)
	}
	m.advance(0)
	m.advance(time.Hour)
	if len(m.heap) != 0 {
		t.Errorf("%d timers are left over", len(m.heap))
	}
}
