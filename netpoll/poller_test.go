package netpoll

import (
	"sync"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/timer"
)

// patience is for what must happen and does not depend on how fast the machine is.
const patience = time.Minute

func newPoller(t testing.TB) *Poller {
	t.Helper()
	p, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func TestTheFirstTimerStartsThePoller(t *testing.T) {
	p := newPoller(t)
	if p.phase.Load() != pollerResting {
		t.Fatal("New has started something")
	}
	fired := make(chan time.Duration)
	shard := p.Wheels().Shard(-1)
	for _, d := range []time.Duration{5 * time.Millisecond, 0, time.Millisecond} {
		start := p.Wheels().Now()
		shard.AfterFunc(d, func() { fired <- p.Wheels().Now() - start })
		if after := <-fired; after < d {
			t.Errorf("a timer of %v fired after %v", d, after)
		}
	}
}

// The thread sleeps until the first of many, and is woken for one that comes before.
func TestAnEarlierTimerChangesThePlan(t *testing.T) {
	p := newPoller(t)
	shard := p.Wheels().Shard(-1)
	late := shard.NewTimer(time.Hour)
	for range 100 {
		<-shard.NewTimer(100 * time.Microsecond).C
	}
	if !late.Stop() {
		t.Error("the timer of an hour has fired")
	}
}

func TestCloseOfAPollerThatHasNeverStarted(t *testing.T) {
	p := newPoller(t)
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if p.Poll() != 0 {
		t.Error("a closed poller delivers")
	}
}

func TestCloseAtOnceAndByMany(t *testing.T) {
	for range 50 {
		p := newPoller(t)
		for range 3 {
			go p.Wheels().Shard(-1).AfterFunc(0, func() {})
		}
		var closers sync.WaitGroup
		for range 3 {
			closers.Go(func() { _ = p.Close() })
		}
		closers.Wait()
	}
}

func TestWheelsOfSomebodyElseStayOpen(t *testing.T) {
	w, err := timer.New(timer.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	p, err := New(Config{Wheels: w})
	if err != nil {
		t.Fatal(err)
	}
	tm := w.Shard(-1).NewTimer(0)
	<-tm.C
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	tm.Reset(0)
	if n := w.Poll(w.Now() + time.Second); n != 1 {
		t.Errorf("%d timers fired after the poller was closed, want 1", n)
	}
}
