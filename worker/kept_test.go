package worker

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// Two workers block and are relieved. When they come back their spares are kept, with a seat each; after a while without another
// relief they are dismissed. Tasks run all the time, and in the end the seats add up.
func TestSparesAreKeptAndDismissed(t *testing.T) {
	p, err := New(Config{Workers: 2, Spares: 8, Spin: DefaultSpin})
	if err != nil {
		t.Fatal(err)
	}
	p.spares.often.Store(true)  // as if workers had blocked before,
	p.spares.lastPaid = forever // and for as long as it takes until one is relieved

	var done sync.WaitGroup
	release := make(chan struct{})
	var blocked atomic.Int32
	for range 2 {
		submitCall(t, p, &done, func(*Task) { blocked.Add(1); <-release })
	}
	for blocked.Load() < 2 {
		runtime.Gosched()
	}
	submitCall(t, p, &done, func(*Task) { // only a spare can run it
		for begin := atom.Now(); atom.Now() < begin+4*worthwhile; {
			runtime.Gosched()
		}
		close(release)
	})
	done.Wait()
	for p.spares.kept.Load() == 0 { // the last of them comes back in its own time
		runtime.Gosched()
	}
	for p.spares.kept.Load() > 0 {
		ran := 0
		submitCall(t, p, &done, func(*Task) { ran++ })
		done.Wait()
		if ran != 1 {
			t.Fatalf("a task ran %d times", ran)
		}
	}
	for awake(p.state.Load()) > 0 {
		runtime.Gosched()
	}
	if g := guests(p.state.Load()); g != p.room()-p.Size() {
		t.Errorf("%d seats are withheld of %d", g, p.room()-p.Size())
	}
	if got := p.Stats().Guests; got != 0 {
		t.Errorf("%d guests", got)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	p.everyWorker(func(w *worker) {
		if w.isSpare() && !w.mustRetire() {
			t.Errorf("spare %d has a seat in the end", w.id)
		}
	})
}

// Tasks of a single worker run one after the other, so nobody is kept beside it, nor more spares than there are workers.
func TestHowManySparesAreKept(t *testing.T) {
	for _, c := range []struct{ workers, want int }{{1, 0}, {2, 2}, {3, 3}} {
		p, err := New(Config{Workers: c.workers, MaxWorkers: 6, Spares: 8, Spin: DefaultSpin})
		if err != nil {
			t.Fatal(err)
		}
		p.spares.often.Store(true)
		kept := 0
		for range 8 {
			if p.keep(&worker{}) {
				kept++
			}
		}
		if kept != c.want || int(p.spares.kept.Load()) != c.want {
			t.Errorf("%d workers: %d kept, want %d", c.workers, kept, c.want)
		}
		p.spares.kept.Store(0)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}
