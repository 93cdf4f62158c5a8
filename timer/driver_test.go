package timer

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestTheDriverIsWokenForAnEarlierTimer(t *testing.T) {
	w := newDriven(t, 2)
	for i := range 1000 {
		w.Shard(i%3-1).AfterFunc(time.Hour, func() {})
		<-w.Shard(i % 2).After(time.Duration(i%5) * 10 * time.Microsecond)
	}
}

// Without SetWake and Next, the agreement with the driver must not get in anybody's way, and with them the wake comes once.
func TestTheWakeComesOnce(t *testing.T) {
	w, clock := newFake(t, 1, 0)
	s := w.Shard(0)
	wakes := 0
	s.AfterFunc(time.Hour, func() {}) // before anybody is to be woken
	w.SetWake(func() { wakes++ })
	expect := func(n int, why string) {
		t.Helper()
		if wakes != n {
			t.Errorf("%s: %d wakes, not %d", why, wakes, n)
		}
		wakes = 0
	}
	s.AfterFunc(time.Minute, func() {})
	expect(0, "nobody sleeps")
	w.Next()
	s.AfterFunc(2*time.Minute, func() {})
	w.Shard(-1).AfterFunc(2*time.Minute, func() {})
	expect(0, "later than the plan")
	s.AfterFunc(time.Second, func() {})
	expect(1, "earlier than the plan")
	s.AfterFunc(time.Millisecond, func() {})
	w.Shard(-1).AfterFunc(time.Microsecond, func() {})
	expect(0, "the driver has been woken")
	w.Next()
	s.AfterFunc(-1, func() {})
	expect(1, "due at once")
	w.Next()
	if clock.Advance(w, 2*time.Hour); w.Pending() != 0 {
		t.Errorf("%d timers are pending", w.Pending())
	}
	expect(0, "polling")
}

func TestAnAttendedShardIsLeftToItsWorker(t *testing.T) {
	w, _ := newFake(t, 1, 0)
	wakes := 0
	w.SetWake(func() { wakes++ })
	s := w.Shard(0)
	const grace = time.Millisecond
	due := 10 * time.Millisecond
	s.Attend(grace)
	s.AfterFunc(due, func() {})
	if when, _ := w.Next(); when < due+grace || when > due+grace+w.Tick() {
		t.Errorf("Next is %v, not %v", when, due+grace)
	}
	if n := w.Poll(due + grace - w.Tick()); n != 0 {
		t.Error("the driver took a timer from a worker that attends")
	}
	if s.Attend(0); wakes != 1 {
		t.Errorf("%d wakes when the worker leaves, not 1", wakes)
	}
	if when, _ := w.Next(); when > due+w.Tick() {
		t.Errorf("Next is %v, not %v", when, due)
	}
	if n := w.Poll(due + w.Tick()); n != 1 {
		t.Errorf("%d timers fired, not 1", n)
	}
}

// What a worker cannot poll, because it computes or is blocked, the driver does.
func TestTheDriverStandsInForAWorker(t *testing.T) {
	w := newDriven(t, 1)
	s := w.Shard(0)
	s.Attend(time.Millisecond)
	<-s.After(time.Millisecond)
}

func TestADriverThatWasStoppedCanBeReplaced(t *testing.T) {
	w, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for range 100 {
		d := StartDriver(w)
		<-w.Shard(-1).After(0)
		d.Stop()
	}
	before := runtime.NumGoroutine()
	StartDriver(w).Stop()
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; runtime.Gosched() { // one counts until it has returned
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines more than before", runtime.NumGoroutine()-before)
		}
	}
}

// Two goroutines play ping-pong with timers, so that a lost wake would stop them.
func TestNoWakeOfTheDriverIsLost(t *testing.T) {
	w := newDriven(t, 2)
	rounds := 2000
	if testing.Short() {
		rounds /= 10
	}
	var players sync.WaitGroup
	for g := range 2 {
		players.Go(func() {
			for i := range rounds {
				select {
				case <-w.Shard(g).After(time.Duration(i%3) * 30 * time.Microsecond):
				case <-time.After(patience):
					t.Error("a timer does not fire")
					return
				}
			}
		})
	}
	players.Wait()
}

func TestCollectionsDoNotWaitForSleepers(t *testing.T) {
	w := newDriven(t, 1)
	var sleepers sync.WaitGroup
	var stop atomic.Bool
	for i := range 100 {
		sleepers.Go(func() {
			for !stop.Load() {
				if err := w.Shard(i%2-1).Sleep(t.Context(), time.Millisecond); err != nil {
					t.Errorf("Sleep: %v", err)
				}
			}
		})
	}
	for range 100 {
		runtime.GC()
	}
	stop.Store(true)
	sleepers.Wait()
}
