package timer

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestStopSaysWhetherItStopped(t *testing.T) {
	w, clock := newFake(t, 1, 0)
	fired := 0
	timer := w.Shard(0).AfterFunc(time.Second, func() { fired++ })
	if !timer.Stop() {
		t.Error("Stop of a running timer returned false")
	}
	if timer.Stop() {
		t.Error("Stop of a stopped timer returned true")
	}
	if clock.Advance(w, time.Minute); fired != 0 {
		t.Error("a stopped timer fired")
	}
	if timer.Reset(time.Second) {
		t.Error("Reset of a stopped timer returned true")
	}
	if !timer.Reset(2 * time.Second) {
		t.Error("Reset of a running timer returned false")
	}
	if clock.Advance(w, time.Second+w.Tick()); fired != 0 {
		t.Error("a timer fired at the time from before Reset")
	}
	if clock.Advance(w, time.Second); fired != 1 {
		t.Errorf("a timer fired %d times after Reset", fired)
	}
	if timer.Stop() || timer.Reset(time.Second) {
		t.Error("Stop or Reset of a timer that has fired returned true")
	}
	var unused Timer
	unused.Init(func() {})
	if unused.Stop() {
		t.Error("Stop of a timer that was never started returned true")
	}
}

func TestAValueThatWasNotReceivedIsStale(t *testing.T) {
	w, clock := newFake(t, 1, 0)
	timer := w.Shard(0).NewTimer(time.Second)
	received := func() bool {
		select {
		case <-timer.C:
			return true
		default:
			return false
		}
	}
	clock.Advance(w, time.Minute)
	if !timer.Stop() {
		t.Error("Stop returned false, though the value was not received")
	}
	if received() {
		t.Error("received a value after Stop")
	}
	timer.Reset(time.Second)
	clock.Advance(w, time.Minute)
	if !timer.Reset(time.Second) {
		t.Error("Reset returned false, though the value was not received")
	}
	if received() {
		t.Error("received a value of before Reset")
	}
	clock.Advance(w, time.Minute)
	if !received() || received() {
		t.Error("not exactly one value was sent")
	}
	if timer.Stop() {
		t.Error("Stop returned true, though the value was received")
	}
}

// Whoever stops a timer while others receive knows whether a value was received.
func TestAValueIsReceivedOrStopped(t *testing.T) {
	w := newDriven(t, 1)
	s := w.Shard(0)
	rounds := 3000
	if testing.Short() {
		rounds /= 10
	}
	timer := s.NewTimer(time.Hour)
	defer timer.Stop()
	for range rounds {
		timer.Reset(time.Duration(rand.Int64N(int64(200 * time.Microsecond))))
		quit := make(chan struct{})
		received := make(chan bool)
		go func() {
			select {
			case <-timer.C:
				received <- true
			case <-quit:
				received <- false
			}
		}()
		for range rand.IntN(2000) {
			runtime.Gosched()
		}
		stopped := timer.Stop()
		if stopped {
			close(quit)
		}
		if got := <-received; got == stopped {
			t.Fatalf("stopped: %v, received: %v", stopped, got)
		}
	}
}

func TestMisuseIsReported(t *testing.T) {
	w, _ := newFake(t, 0, 0)
	s := w.Shard(0)
	for name, f := range map[string]func(){
		"Init(nil)":             func() { (&Timer{}).Init(nil) },
		"AfterFunc(nil)":        func() { s.AfterFunc(1, nil) },
		"ResetOn without Init":  func() { (&Timer{}).ResetOn(s, 1) },
		"Reset without a shard": func() { (&Timer{}).Reset(1) },
		"NewTicker(0)":          func() { s.NewTicker(0) },
		"Ticker.Reset(-1)":      func() { k := s.NewTicker(1); defer k.Stop(); k.Reset(-1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not panic", name)
				}
			}()
			f()
		}()
	}
}

// Goroutines start and stop the same timers in all shards, and poll; then the accounts are balanced. Every start ends with a
// stop that returned true, or by firing.
func TestStartsAreAccountedFor(t *testing.T) {
	const workers = 2
	w := newDriven(t, workers)
	var started, stopped, fired atomic.Int64
	timers := make([]Timer, 100)
	for i := range timers {
		if i%2 == 0 {
			timers[i].Init(func() { fired.Add(1) })
		} else {
			timers[i].event = callback(func() { fired.Add(1) })
		}
		timers[i].ResetOn(w.Shard(-1), time.Hour)
		started.Add(1)
	}
	steps := 100_000
	if testing.Short() {
		steps /= 10
	}
	var wg sync.WaitGroup
	for g := range 4 {
		r := rand.New(rand.NewPCG(uint64(g), 1))
		wg.Go(func() {
			for i := 0; i < steps || fired.Load() == 0 && i < 1000*steps; i++ {
				timer := &timers[r.IntN(len(timers))]
				switch r.IntN(4) {
				case 0:
					if timer.Stop() {
						stopped.Add(1)
					}
				case 1:
					w.Shard(g).Poll(w.Now())
				case 2:
					started.Add(1)
					if timer.Reset(time.Duration(r.Int64N(int64(300 * time.Microsecond)))) {
						stopped.Add(1)
					}
				case 3:
					started.Add(1)
					if timer.ResetOn(w.Shard(r.IntN(workers+1)), time.Duration(r.Int64N(int64(300*time.Microsecond)))) {
						stopped.Add(1)
					}
				}
			}
		})
	}
	wg.Wait()
	for i := range timers {
		if timers[i].Stop() {
			stopped.Add(1)
		}
	}
	if n := w.Pending(); n != 0 {
		t.Errorf("%d timers are pending after all were stopped", n)
	}
	deadline := time.Now().Add(patience)
	for started.Load() != stopped.Load()+fired.Load() && time.Now().Before(deadline) {
		runtime.Gosched() // Callbacks may be on their way.
	}
	if s, p, f := started.Load(), stopped.Load(), fired.Load(); s != p+f {
		t.Errorf("%d starts, %d stops and %d fired", s, p, f)
	}
}

func TestACallbackMayUseTimers(t *testing.T) {
	w, clock := newFake(t, 2, 0)
	var again Timer
	n := 0
	again.Init(func() {
		again.Stop()
		if n++; n < 10 {
			again.ResetOn(w.Shard(n%3), time.Millisecond)
		}
		w.Shard(0).AfterFunc(0, func() {}).Stop()
	})
	again.ResetOn(w.Shard(0), time.Millisecond)
	if clock.Advance(w, time.Second); n != 10 {
		t.Errorf("a timer that starts itself again fired %d times, not 10", n)
	}
}

func TestASlowCallbackDelaysNobody(t *testing.T) {
	w := newDriven(t, 0)
	s := w.Shard(0)
	release := make(chan struct{})
	var slow sync.WaitGroup
	slow.Add(100)
	for range 100 {
		s.AfterFunc(time.Millisecond, func() { <-release; slow.Done() })
	}
	start := time.Now()
	for range 5 {
		<-s.After(2 * time.Millisecond)
	}
	if took := time.Since(start); took > patience/2 {
		t.Errorf("five timers of 2 ms took %v", took)
	}
	close(release)
	slow.Wait()
}
