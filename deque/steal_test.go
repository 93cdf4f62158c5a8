package deque

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// An exchange lets thieves at a deque while its owner works, and counts who takes what.
type exchange struct {
	owner   Owner[int]
	thief   Thief[int]
	taken   []atomic.Int32 // by element
	stolen  atomic.Int64
	thieves sync.WaitGroup
	done    atomic.Bool
}

func newExchange(thieves, capacity int, index uint64, elements int) *exchange {
	x := &exchange{taken: make([]atomic.Int32, elements)}
	x.owner, x.thief = newAt[int](capacity, index)
	for range thieves {
		x.thieves.Go(x.steal)
	}
	return x
}

func (x *exchange) steal() {
	last := -1
	for {
		done := x.done.Load() // before the attempt, so that the last one sees everything
		e, status := x.thief.Steal()
		switch status {
		case OK:
			if *e <= last {
				panic(fmt.Sprintf("stole %d after %d", *e, last))
			}
			last = *e
			x.taken[*e].Add(1)
			x.stolen.Add(1)
		case Empty:
			if done {
				return
			}
			runtime.Gosched()
		case Lost:
		}
	}
}

func (x *exchange) pop() bool {
	e := x.owner.Pop()
	if e == nil {
		return false
	}
	x.taken[*e].Add(1)
	return true
}

// finish waits for the thieves and checks that every element was taken once.
func (x *exchange) finish(t *testing.T) {
	t.Helper()
	x.done.Store(true)
	x.thieves.Wait()
	for e := range x.taken {
		if n := x.taken[e].Load(); n != 1 {
			t.Fatalf("element %d was taken %d times", e, n)
		}
	}
	if !x.owner.Empty() {
		t.Fatalf("%d elements are left", x.owner.Len())
	}
	t.Logf("%d of %d elements were stolen", x.stolen.Load(), len(x.taken))
}

// forThieves runs the test with one, two and eight thieves, from index 0 and from just before the indices wrap around.
func forThieves(t *testing.T, test func(t *testing.T, thieves int, index uint64)) {
	for _, thieves := range []int{1, 2, 8} {
		for _, index := range []uint64{0, math.MaxUint64 - 1000} {
			t.Run(fmt.Sprintf("thieves=%d/index=%#x", thieves, index), func(t *testing.T) { test(t, thieves, index) })
		}
	}
}

const many = 50_000

func TestEveryElementIsTakenOnceBySomebody(t *testing.T) {
	forThieves(t, func(t *testing.T, thieves int, index uint64) {
		x := newExchange(thieves, 2, index, many)
		random := rand.New(rand.NewPCG(1, 2))
		for _, e := range numbered(many) {
			x.owner.Push(e)
			for random.IntN(2) == 0 && x.pop() {
			}
		}
		for x.pop() {
		}
		x.finish(t)
	})
}

func TestTheLastElementGoesToOneTaker(t *testing.T) {
	forThieves(t, func(t *testing.T, thieves int, index uint64) {
		x := newExchange(thieves, 2, index, many)
		for _, e := range numbered(many) {
			x.owner.Push(e)
			x.pop()
		}
		x.finish(t)
	})
}

func TestBurstsGrowAndShrinkTheRingUnderThieves(t *testing.T) {
	forThieves(t, func(t *testing.T, thieves int, index uint64) {
		x := newExchange(thieves, 2, index, many)
		for es := numbered(many); len(es) > 0; es = es[500:] {
			for _, e := range es[:500] {
				x.owner.Push(e)
			}
			for x.pop() {
			}
		}
		x.finish(t)
	})
}

func TestThievesAloneEmptyTheDeque(t *testing.T) {
	forThieves(t, func(t *testing.T, thieves int, index uint64) {
		x := newExchange(thieves, 2, index, many)
		for _, e := range numbered(many) {
			x.owner.Push(e)
		}
		x.finish(t)
	})
}
