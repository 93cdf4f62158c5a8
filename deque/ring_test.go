package deque

import (
	"math"
	"testing"
)

func (o Owner[T]) capacity() int { return len(o.d.slots) }

func TestTheRingGrowsWithTheElements(t *testing.T) {
	o, _ := New[int](3)
	for i, x := range numbered(1000) {
		o.Push(x)
		if c := o.capacity(); c < i+1 || c > max(4, 2*i) {
			t.Fatalf("room for %d with %d elements", c, i+1)
		}
	}
}

func TestPoppingGivesUpTheRingOfABurst(t *testing.T) {
	o, _ := New[int](16)
	for _, x := range numbered(10_000) {
		o.Push(x)
	}
	for n := 9_999; n >= 0; n-- {
		wantPop(t, o, n)
		if c := o.capacity(); c > max(16, 8*(n+slack+1)) {
			t.Fatalf("room for %d with %d elements", c, n)
		}
	}
	if c := o.capacity(); c != 16 {
		t.Errorf("room for %d in the end, want 16", c)
	}
}

func TestAnOwnerThatFindsTheDequeRobbedGivesUpTheRingOfABurst(t *testing.T) {
	o, th := New[int](16)
	for _, x := range numbered(10_000) {
		o.Push(x)
	}
	for n := range 10_000 {
		wantSteal(t, th, n)
	}
	for range 6 { // 16384, a quarter each time
		wantNothing(t, o, th)
	}
	if c := o.capacity(); c != 16 {
		t.Errorf("room for %d, want 16", c)
	}
}

func TestPushAndStealInTurnsNeedNoMoreRoom(t *testing.T) {
	o, th := New[int](4)
	x := new(int)
	for range 1000 {
		o.Push(x)
		o.Push(x)
		wantSteal(t, th, 0)
		wantSteal(t, th, 0)
	}
	if c := o.capacity(); c != 4 {
		t.Errorf("room for %d, want 4", c)
	}
}

func TestIndicesMayWrapAround(t *testing.T) {
	for _, index := range []uint64{math.MaxUint64 - 20, math.MaxInt64 - 20} {
		o, th := newAt[int](2, index)
		xs := numbered(60)
		for _, x := range xs[:10] { // the ring grows before the end,
			o.Push(x)
		}
		for i := range 5 {
			wantSteal(t, th, i)
		}
		for _, x := range xs[10:] { // again beyond it,
			o.Push(x)
		}
		for i := 5; i < 30; i++ {
			wantSteal(t, th, i)
		}
		for i := 59; i >= 30; i-- { // and shrinks
			wantPop(t, o, i)
		}
		wantNothing(t, o, th)
	}
}

func TestPushAndPopDoNotAllocate(t *testing.T) {
	o, th := New[int](8)
	xs := numbered(8)
	allocs := testing.AllocsPerRun(100, func() {
		for _, x := range xs {
			o.Push(x)
		}
		for range len(xs) / 2 {
			o.Pop()
			th.Steal()
		}
		o.Pop()
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
