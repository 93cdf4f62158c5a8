package tick

import (
	"testing"
	"time"
)

func TestSinceAgreesWithTheSystemsClock(t *testing.T) {
	before := time.Now()
	c := Now()
	inside := time.Now()
	for time.Since(inside) < 20*time.Millisecond { // a span to measure
	}
	least := time.Since(inside)
	got := Since(c)
	most := time.Since(before)
	// The rate is known to a thousandth after 20 ms, however long the process was paused in between.
	if got < least-least/100 || got > most+most/100 {
		t.Errorf("%v, by the system's clock between %v and %v", got, least, most)
	}
}

func TestACountOfTheFutureIsNow(t *testing.T) {
	if d := Since(Now() + 1<<40); d != 0 {
		t.Errorf("%v ago", d)
	}
}

func BenchmarkNow(b *testing.B) {
	for b.Loop() {
		Now()
	}
}
