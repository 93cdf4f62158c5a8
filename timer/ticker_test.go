package timer

import (
	"testing"
	"time"
)

func ticks(k *Ticker) (n int, last time.Time) {
	for {
		select {
		case last = <-k.C:
			n++
		default:
			return n, last
		}
	}
}

func TestATickerKeepsItsRhythm(t *testing.T) {
	w, clock := newFake(t, 0, 0)
	const interval = 1234567
	k := w.Shard(0).NewTicker(interval)
	defer k.Stop()
	for i := range 1000 {
		if n := clock.Advance(w, interval); n > 1 {
			t.Fatalf("%d ticks in one interval", n)
		}
		n, at := ticks(k)
		if n == 0 && i > 0 {
			t.Fatalf("no tick in interval %d", i)
		}
		if n == 1 {
			late := at.Sub(time.Unix(0, 0)) % interval
			if late >= time.Duration(w.Tick()) {
				t.Fatalf("in interval %d, the tick is %v late", i, late)
			}
		}
	}
}

func TestALateTickerCatchesUpWithOneTick(t *testing.T) {
	w, clock := newFake(t, 0, 0)
	k := w.Shard(0).NewTicker(10 * time.Millisecond)
	defer k.Stop()
	if n := clock.Jump(w, 1505*time.Millisecond); n != 1 {
		t.Errorf("%d ticks at once after a stop", n)
	}
	if n, _ := ticks(k); n != 1 {
		t.Errorf("%d ticks to receive after a stop", n)
	}
	if clock.Advance(w, 4*time.Millisecond); len(k.C) != 0 {
		t.Error("a tick comes before its time")
	}
	if clock.Advance(w, 2*time.Millisecond); len(k.C) != 1 {
		t.Error("the ticker has lost its rhythm")
	}
}

func TestTicksThatNobodyReceivesAreDropped(t *testing.T) {
	w, clock := newFake(t, 0, 0)
	k := w.Shard(0).NewTicker(time.Millisecond)
	clock.Advance(w, time.Second)
	if n, _ := ticks(k); n != 1 {
		t.Errorf("%d ticks were kept", n)
	}
}

func TestAStoppedTickerIsSilent(t *testing.T) {
	w, clock := newFake(t, 0, 0)
	k := w.Shard(0).NewTicker(time.Millisecond)
	clock.Advance(w, time.Second)
	k.Stop()
	clock.Advance(w, time.Second)
	if n, _ := ticks(k); n != 0 {
		t.Error("received a tick after Stop")
	}
	k.Reset(2 * time.Second)
	clock.Advance(w, time.Second+w.Tick())
	if n, _ := ticks(k); n != 0 {
		t.Error("received a tick before the interval was over")
	}
	clock.Advance(w, time.Second)
	if n, _ := ticks(k); n != 1 {
		t.Error("no tick after Reset")
	}
	k.Stop()
	if n := w.Pending(); n != 0 {
		t.Errorf("%d timers are pending", n)
	}
}

func TestATickerWhoseIntervalIsShorterThanATickIsNoBusyLoop(t *testing.T) {
	w, clock := newFake(t, 0, 0)
	k := w.Shard(0).NewTicker(1)
	defer k.Stop()
	if n := clock.Advance(w, 100*w.Tick()); n < 99 || n > 101 {
		t.Errorf("%d ticks in 100 ticks of the wheel", n)
	}
}

func TestATickerBeyondTheEndOfTheClockStops(t *testing.T) {
	w, clock := newFake(t, 0, forever-time.Hour)
	k := w.Shard(0).NewTicker(40 * time.Minute)
	defer k.Stop()
	if n := clock.Advance(w, 59*time.Minute); n != 1 {
		t.Errorf("%d ticks", n)
	}
	if when, ok := w.Next(); ok {
		t.Errorf("the next tick is to be at %d", when)
	}
}
