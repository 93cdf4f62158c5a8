package worker

import (
	"sync"
	"testing"
)

func TestARingThatOverflowsTellsHowMuchIsLost(t *testing.T) {
	r := &ring{}
	for i := range 3 * ringEvents {
		r.add(EventTask, uint64(i), 1)
	}
	events, next, lost := r.read(0, nil)
	if next != 3*ringEvents || lost+uint64(len(events)) != next || len(events) != ringEvents-ringMargin {
		t.Fatalf("%d events, %d lost, next %d", len(events), lost, next)
	}
	for i, e := range events {
		if e.A != lost+uint64(i) || e.Kind != EventTask || e.B != 1 {
			t.Fatalf("event %d is %+v", i, e)
		}
	}
	if events, _, lost := r.read(next, nil); len(events) != 0 || lost != 0 {
		t.Errorf("nothing new is %d events, %d lost", len(events), lost)
	}
}

// What a reader gets while the writer writes is whole and in order, and what it does not get is counted.
func TestARingIsReadWhileItIsWritten(t *testing.T) {
	r := &ring{}
	const n = 20 * ringEvents
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := range uint64(n) {
			r.add(EventKind(i%8), i, ^i)
		}
	})
	var next, lost, seen uint64
	var buf []Event
	for next < n {
		var l uint64
		at := next
		if buf, next, l = r.read(next, buf[:0]); next < at {
			t.Fatalf("went back from %d to %d", at, next)
		}
		lost += l
		for i, e := range buf {
			if want := at + l + uint64(i); e.A != want || e.B != ^want || e.Kind != EventKind(want%8) {
				t.Fatalf("event %d is %+v", want, e)
			}
		}
		seen += uint64(len(buf))
	}
	writer.Wait()
	if seen+lost != n {
		t.Errorf("%d seen, %d lost of %d", seen, lost, n)
	}
}
