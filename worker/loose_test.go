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
		s.cpus.Store(&own)
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
			s.repin()
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
			s.repin()
			expect("as a stand-in again", own)
		}()
		<-ended
		p.spares.kept.Store(0)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}
