package timer

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// newFake returns wheels with a clock that stands at now. Callbacks run at once.
func newFake(t testing.TB, workers int, now time.Duration) (*Wheels, *Fake) {
	t.Helper()
	clock := &Fake{}
	clock.now.Store(int64(now))
	w, err := New(Config{Workers: workers, Now: clock.Now, Run: AtOnce})
	if err != nil {
		t.Fatal(err)
	}
	return w, clock
}

// newDriven returns wheels that go by the real clock, and have a driver until the test ends.
func newDriven(t testing.TB, workers int) *Wheels {
	t.Helper()
	w, err := New(Config{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	d := StartDriver(w)
	t.Cleanup(func() { d.Stop(); w.Close() })
	return w
}

// seeded returns a generator, whose seed it prints if the test fails. TIMER_SEED sets it.
func seeded(t testing.TB) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("TIMER_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("run again with TIMER_SEED=%d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 1))
}

// pollAll polls until there is nothing left to do at the time now.
func pollAll(w *Wheels, now time.Duration) (fired int) {
	for range 1_000_000 {
		fired += w.Poll(now)
		if when, ok := w.Next(); !ok || when > now {
			return fired
		}
	}
	panic("polling leads nowhere")
}

// patience is for what must happen and does not depend on how fast the machine is.
const patience = time.Minute
