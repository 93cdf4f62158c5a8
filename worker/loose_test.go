//go:build linux && !pinwheel_portable

package worker

import (
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
