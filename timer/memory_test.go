package timer

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
	"unsafe"
	"weak"
)

func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Stopped timers leave nothing behind, in whatever order they are stopped.
func TestStoppedTimersTakeNoMemory(t *testing.T) {
	const limit = 1 << 20
	w, _ := newFake(t, 1, 0)
	s := w.Shard(0)
	before := heapInUse()
	for range 1_000_000 {
		s.AfterFunc(time.Hour, func() {}).Stop()
	}
	if grown := heapInUse() - before; grown > limit {
		t.Errorf("a million timers, one at a time, left %d bytes", grown)
	}
	window := make([]*Timer, 1000)
	for i := range 1_000_000 {
		k := rand.IntN(len(window))
		if window[k] != nil {
			window[k].Stop()
		}
		window[k] = s.AfterFunc(time.Hour+time.Duration(i), func() {})
	}
	if grown := heapInUse() - before; grown > limit {
		t.Errorf("a million timers, a thousand at a time, left %d bytes", grown)
	}
	many := make([]Timer, 200_000)
	for i := range many {
		many[i].Init(func() {})
		many[i].ResetOn(s, time.Hour+time.Duration(i)*time.Second)
	}
	for _, i := range rand.Perm(len(many)) {
		many[i].Stop()
	}
	many = nil
	s.Attend(0) // The window's timers are still there, and a few that were stopped with them.
	if grown := heapInUse() - before; grown > limit {
		t.Errorf("200,000 timers left %d bytes", grown)
	}
	runtime.KeepAlive(w)
}

func TestATimerThatIsOverIsNotKept(t *testing.T) {
	w, clock := newFake(t, 1, 0)
	var refs []weak.Pointer[[16]int]
	for i := range 1000 {
		captured := new([16]int)
		refs = append(refs, weak.Make(captured))
		timer := w.Shard(0).AfterFunc(time.Duration(i)*time.Millisecond, func() { captured[0]++ })
		if i%2 == 0 {
			timer.Stop()
		}
	}
	clock.Advance(w, time.Hour)
	runtime.GC()
	for i, ref := range refs {
		if ref.Value() != nil {
			t.Fatalf("timer %d is over, and what its function captured is kept", i)
		}
	}
	runtime.KeepAlive(w)
}

// When the last timer of a shard is stopped, the shard refers to none, without being polled.
func TestStoppedTimersAreForgottenWithTheLast(t *testing.T) {
	w, _ := newFake(t, 1, 0)
	var refs []weak.Pointer[Timer]
	timers := make([]*Timer, 3*blockSize+2)
	for i := range timers {
		timers[i] = w.Shard(0).AfterFunc(time.Hour, func() {})
		refs = append(refs, weak.Make(timers[i]))
	}
	for _, timer := range timers {
		timer.Stop()
	}
	clear(timers)
	runtime.GC()
	for i, ref := range refs {
		if ref.Value() != nil {
			t.Errorf("timer %d is stopped, and kept", i)
		}
	}
	runtime.KeepAlive(w)
}

func TestStartingAndStoppingDoesNotAllocate(t *testing.T) {
	w, clock := newFake(t, 2, 0)
	var timer Timer
	timer.Init(func() {})
	others := make([]Timer, 1000)
	for i := range others {
		others[i].Init(func() {})
		others[i].ResetOn(w.Shard(0), time.Duration(i)*time.Second+time.Hour)
	}
	timer.ResetOn(w.Shard(0), time.Hour)
	for name, f := range map[string]func(){
		"Reset and Stop":      func() { timer.Reset(time.Second); timer.Stop() },
		"to another shard":    func() { timer.ResetOn(w.Shard(1), time.Second); timer.ResetOn(w.Shard(0), time.Hour) },
		"Reset and firing":    func() { timer.Reset(time.Millisecond); clock.Advance(w, 2*time.Millisecond) },
		"Next and empty Poll": func() { w.Next(); w.Poll(clock.Now()) },
	} {
		if n := testing.AllocsPerRun(1000, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestATimerFitsACacheLine(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("sizes are for 64 bits")
	}
	if n := unsafe.Sizeof(Timer{}); n > 64 {
		t.Errorf("a timer has %d bytes", n)
	}
	if n := unsafe.Sizeof(block{}); n != 128 {
		t.Errorf("a block has %d bytes", n)
	}
}
