package tick

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// The two times of a clock enclose the present, on several threads that go from CPU to CPU.
func TestClockEnclosesThePresent(t *testing.T) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for range 3 {
		wg.Go(func() {
			var c Clock
			for i := range 200_000 {
				before := atom.Now()
				least, most := c.Now()
				if after := atom.Now(); least > after || most < before {
					t.Errorf("turn %d: between %v and %v, where it was %v before and %v after", i, least, most, before, after)
					return
				}
			}
		})
	}
}

func TestClockReckonsWhereItMay(t *testing.T) {
	if !reckons() {
		t.Skip("the clock of this system is not made of the counter that is read here, or it is not known")
	}
	var c Clock
	for reckoned := false; !reckoned; { // The thread may be stopped between two readings for longer than one serves.
		c.Now()
		read := c.read
		c.Now()
		reckoned = read != 0 && c.read == read
	}
}

// What is reckoned is at least what a system's clock shows that runs a tenth too fast, if it ran a tenth too slowly before, and at most
// 10 us more than one that runs a tenth too slowly shows.
func TestClockReckonsEnough(t *testing.T) {
	for _, perCount := range []float64{0.2, 1. / 3, 1, 41.7, 1000} { // ns: 5 GHz to 1 MHz
		rate, window := reckoning(uint64(perCount * (1 << 32)))
		most := float64(window) * float64(rate) / (1 << 32)
		if least := float64(window) * perCount * 1.1 / 0.9 * (1 + 1./64); most < least {
			t.Errorf("%v ns a count: %v ns reckoned where up to %v may have passed", perCount, most, least)
		}
		if late := most - float64(window)*perCount*0.9; late > 10_000 {
			t.Errorf("%v ns a count: late by %v ns", perCount, late)
		}
	}
	if rate, window := reckoning(0); rate != 0 || window != 0 {
		t.Errorf("%v reckoned for %v counts, where nothing is known", rate, window)
	}
}

// A reading of a counter that is behind that of the last one is not used.
func TestClockOfACounterThatGoesBack(t *testing.T) {
	c := Clock{at: Now() + 1<<40, read: time.Hour, rate: 1 << 32, window: 1 << 20}
	if _, most := c.Now(); most >= time.Hour {
		t.Error("the clock has reckoned from the future")
	}
}

func TestRateBetweenTwoReadings(t *testing.T) {
	for _, c := range []struct {
		name       string
		begin, end reading
		want       float64 // ns for a count
	}{
		{"exact", reading{1000, 1000, 0}, reading{4000, 4000, time.Microsecond}, 1. / 3},
		{"a slow counter", reading{10, 10, 0}, reading{1010, 1010, 40 * time.Microsecond}, 40},
		{"a sixty-fourth inexact", reading{0, 32, 0}, reading{6400, 6468, 6400}, 1},
		{"too inexact", reading{0, 32, 0}, reading{6400, 6469, 6400}, 0},
		{"the same", reading{5, 5, 5}, reading{5, 5, 5}, 0},
		{"a counter that goes back", reading{1000, 1000, 0}, reading{500, 500, 1000}, 0},
	} {
		got := float64(c.begin.rateTo(c.end)) / (1 << 32)
		if math.Abs(got-c.want) > c.want/1000 {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func BenchmarkClock(b *testing.B) {
	var c Clock
	for b.Loop() {
		c.Now()
	}
}

// BenchmarkClockSeldom is about a clock that is never asked in time.
func BenchmarkClockSeldom(b *testing.B) {
	var c Clock
	for b.Loop() {
		c.at -= 1 << 40
		c.Now()
	}
}

// No more counts are said to be in a time than have been counted meanwhile, except for what the system corrects its clock by.
func TestCountsInATime(t *testing.T) {
	for range 20 {
		before, began := Now(), time.Now()
		for time.Since(began) < time.Millisecond {
		}
		took := time.Since(began)
		counted := Now() - before
		if n := In(took); n == 0 || float64(n) > 1.01*float64(counted) {
			t.Errorf("%d counts in %v, where %d were counted", n, took, counted)
		}
	}
	if n := In(0); n != 0 {
		t.Errorf("%d counts in no time", n)
	}
}
