//go:build linux && !pinwheel_portable

package worker

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

func TestAWorkerThatParksOftenLetsGoOfItsCPU(t *testing.T) {
	top, err := affinity.Read()
	if err != nil {
		t.Fatal(err)
	}
	own := affinity.NewSet(top.Allowed.First())
	for _, loosen := range []bool{true, false} {
		p, err := New(Config{Workers: 1, CPUs: []affinity.Set{own}, Topology: top, Loosen: loosen})
		if err != nil {
			t.Fatal(err)
		}
		w := p.workers[0]
		expect := func(when string, loose bool) {
			want := own
			if loose {
				want = top.Allowed
			}
			if now, err := affinity.Current(); now != want || err != nil || w.loose.Load() != loose {
				t.Errorf("loosen %t, %s: on CPUs %v, %v, loose %t; want %v", loosen, when, now, err, w.loose.Load(), want)
			}
		}
		var done sync.WaitGroup
		submitCall(t, p, &done, func(*Task) {
			expect("at first", false)
			w.haveParked(restless)
			expect("after some parks", false)
			for range settleParks { // within no time at all
				w.settled = atom.Now() + time.Hour
				w.settle()
			}
			expect("after many parks", loosen)
			if !w.restless {
				t.Errorf("loosen %t: calm after many parks", loosen)
			}
			w.haveParked(calm)
			expect("after some parks", loosen)
			if loosen {
				w.haveParked(calm + 1)
				expect("after few parks", false)
				w.haveParked(restless - 1)
				expect("after many parks", true)
			}
			if err := p.Move(top, []affinity.Set{own}); err != nil {
				t.Error(err)
			}
			expect("after Move", false)
		})
		done.Wait()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A spare that is kept may run on all CPUs, and is pinned again when it stands in for somebody the next time.
func TestASpareThatIsKeptLetsGoOfItsCPU(t *testing.T) {
	top, err := affinity.Read()
	if err != nil {
		t.Fatal(err)
	}
	own := affinity.NewSet(top.Allowed.First())
	for _, loosen := range []bool{true, false} {
		p, err := New(Config{Workers: 2, CPUs: []affinity.Set{own, own}, Topology: top, Loosen: loosen, Spares: 1})
		if err != nil {
			t.Fatal(err)
		}
		p.spares.often.Store(true)
		s := p.takeSpare()
		s.seat.Store(p.workers[0])
		ended := make(chan struct{})
		go func() { // the spare's thread
			defer close(ended)
			runtime.LockOSThread() // for good: it ends with the goroutine
			s.thread.Store(int64(threadID()))
			expect := func(when string, want affinity.Set) {
				if now, err := affinity.Current(); now != want || err != nil {
					t.Errorf("loosen %t, %s: on CPUs %v, %v; want %v", loosen, when, now, err, want)
				}
			}
			s.settleDown()
			expect("as a stand-in", own)
			if !p.keep(s) {
				t.Error("it was not kept")
			}
			kept := own
			if loosen {
				kept = top.Allowed
			}
			expect("kept", kept)
			s.restless = false
			s.haveParked(calm + 1)
			expect("kept, after few parks", kept)
			s.kept.Store(false)
			s.settleDown()
			expect("as a stand-in again", own)
		}()
		<-ended
		p.spares.kept.Store(0)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A spare moves with the worker whose seat it has, also if it was called before the move and comes after it. One that runs on all CPUs for
// now goes on doing so.
func TestASpareMovesWithItsSeat(t *testing.T) {
	top, err := affinity.Read()
	if err != nil {
		t.Fatal(err)
	}
	if top.Allowed.Len() < 2 {
		t.Skip("there is one CPU: nowhere to move to")
	}
	first := affinity.NewSet(top.Allowed.First())
	second := affinity.NewSet(top.Allowed.AndNot(first).First())
	p, err := New(Config{Workers: 1, CPUs: []affinity.Set{first}, Topology: top, Spares: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := p.takeSpare()
	s.seat.Store(p.workers[0])
	ended := make(chan struct{})
	go func() { // the spare's thread
		defer close(ended)
		runtime.LockOSThread() // for good: it ends with the goroutine
		s.thread.Store(int64(threadID()))
		expect := func(when string, want affinity.Set) {
			t.Helper()
			if now, err := affinity.Current(); now != want || err != nil {
				t.Errorf("%s: on CPUs %v, %v; want %v", when, now, err, want)
			}
		}
		move := func(to ...affinity.Set) {
			if err := p.Move(top, to); err != nil {
				t.Error(err)
			}
		}
		s.settleDown()
		expect("called", first)
		move(second)
		expect("moved", second)
		s.settleDown()
		expect("called again", second)
		move()
		expect("unpinned", top.Allowed)
		s.settleDown()
		expect("called again", top.Allowed)
		move(first)
		expect("pinned", first)
		s.loose.Store(true)
		move(second)
		expect("moved while it roams", top.Allowed)
		s.settleDown()
		expect("called again", second)
	}()
	<-ended
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
