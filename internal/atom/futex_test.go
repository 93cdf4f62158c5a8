package atom_test

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

func TestAWaitForAnotherValueReturnsAtOnce(t *testing.T) {
	var word atom.Uint32
	word.Store(1)
	if atom.FutexWait(&word, 0, -1) {
		t.Error("the wait says that it was woken")
	}
}

func TestATimeoutEndsAWait(t *testing.T) {
	var word atom.Uint32
	for _, timeout := range []time.Duration{0, 1, time.Millisecond} {
		start := time.Now()
		for left := timeout; left >= 0; left = timeout - time.Since(start) - 1 {
			if atom.FutexWait(&word, 0, left) {
				t.Errorf("timeout %v: the wait says that it was woken", timeout)
			}
		}
	}
}

// pingPong lets two threads pass the turn to and fro. A lost wake-up would leave both asleep.
func pingPong(rounds int, timeout time.Duration) {
	var turn atom.Uint32
	play := func(me uint32) {
		for round := me; round < 2*uint32(rounds); round += 2 {
			for now := turn.Load(); now != round; now = turn.Load() {
				atom.FutexWait(&turn, now, timeout)
			}
			turn.Store(round + 1)
			atom.FutexWake(&turn, 1)
		}
	}
	var players sync.WaitGroup
	players.Go(func() { play(0) })
	players.Go(func() { play(1) })
	players.Wait()
}

func TestNoWakeIsLost(t *testing.T) {
	for _, timeout := range []time.Duration{-1, time.Hour, math.MaxInt64} {
		pingPong(5_000, timeout)
	}
}

func TestAWakeEndsNoMoreWaitsThanItsNumber(t *testing.T) {
	const sleepers = 8
	var word atom.Uint32
	var woken, ended atomic.Int32
	for range sleepers {
		go func() {
			for !atom.FutexWait(&word, 0, -1) {
			}
			woken.Add(1)
			ended.Add(1)
		}()
	}
	for wakes := int32(0); ended.Load() < sleepers; {
		if n := woken.Load(); n > wakes {
			t.Fatalf("%d waits were ended by %d wakes of one", n, wakes)
		}
		wakes++
		atom.FutexWake(&word, 1)
		runtime.Gosched()
	}
}

// There are more words than the portable futex has buckets.
func TestAWakeEndsWaitsOnItsOwnWordOnly(t *testing.T) {
	var words [100]atom.Uint32
	var sleepers sync.WaitGroup
	for i := range words {
		sleepers.Go(func() {
			for words[i].Load() == 0 {
				if atom.FutexWait(&words[i], 0, -1) && words[i].Load() == 0 {
					t.Errorf("word %d: woken by the wake of another word", i)
				}
			}
		})
	}
	for i := range words {
		words[i].Store(1)
		atom.FutexWake(&words[i], 1)
	}
	sleepers.Wait()
}

// A wait that the runtime is not told of would make the collections hang, and this test with them.
func TestSleepersDoNotHoldUpTheCollector(t *testing.T) {
	var word atom.Uint32
	var sleepers sync.WaitGroup
	for range 4 {
		sleepers.Go(func() {
			for word.Load() == 0 {
				atom.FutexWait(&word, 0, -1)
			}
		})
	}
	for range 10 {
		runtime.GC()
	}
	word.Store(1)
	atom.FutexWake(&word, math.MaxInt32)
	sleepers.Wait()
}

func TestTheClockDoesNotRunBackwards(t *testing.T) {
	last := atom.Now()
	for range 1000 {
		atom.Yield()
		now := atom.Now()
		if now < last {
			t.Fatalf("%v after %v", now, last)
		}
		last = now
	}
}

func BenchmarkFutexWakeOfNobody(b *testing.B) {
	var word atom.Uint32
	for b.Loop() {
		atom.FutexWake(&word, 1)
	}
}

func BenchmarkFutexRoundTrip(b *testing.B) { pingPong(b.N, -1) }

func BenchmarkYield(b *testing.B) {
	for b.Loop() {
		atom.Yield()
	}
}

func BenchmarkNow(b *testing.B) {
	for b.Loop() {
		atom.Now()
	}
}
