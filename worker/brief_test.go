package worker

import (
	"runtime"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/tick"
)

func TestWhatWasOverSoonIsKnown(t *testing.T) {
	const c, other = Code(0x47c163), Code(0x9e3779)
	var s briefSet
	expect := func(when string, has bool) {
		t.Helper()
		if s.has(c) != has || s.has(other) {
			t.Errorf("%s: %t, another %t; want %t, false", when, s.has(c), s.has(other), has)
		}
	}
	expect("at first", false)
	s.note(c, (shortTime+longTime)/2)
	expect("after something between", false)
	s.note(c, shortTime-1)
	expect("after something short", true)
	s.note(c, longTime)
	expect("after something between", true)
	s.note(c, longTime+1)
	expect("after something long", false)
	s.note(c, 0)
	expect("after something short again", true)
}

// What only those who take it over measure is tried again now and then.
func TestWhatWasLongIsTriedAgain(t *testing.T) {
	const c = Code(0x47c163)
	var s briefSet
	for range 2 {
		if s.lacks(c) {
			t.Fatal("taken to be long without a reason")
		}
		s.note(c, time.Hour)
		for i := range longTimes {
			if !s.lacks(c) || s.lacks(c+1) {
				t.Fatalf("not taken to be long, or another is, at attempt %d", i)
			}
		}
	}
}

func TestACallerRunsWhatWasOverSoon(t *testing.T) {
	p, err := New(Config{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const c = Code(0x47c163)
	run := func() bool {
		for seats(p.state.Load()) > 0 { // the worker is not quite done with the last one
			runtime.Gosched()
		}
		b := &body{run: func(*Task) {}, over: make(chan struct{})}
		b.Init(t.Context(), b)
		here, err := p.RunHere(&b.Root, c)
		if err != nil {
			t.Fatal(err)
		}
		<-b.over
		return here
	}
	if run() {
		t.Error("the caller ran what was not known")
	}
	for !p.brief.has(c) { // a thread that loses its CPU in between takes long
		p.Took(c, tick.Now())
	}
	if !run() {
		t.Error("the caller did not run what was over soon")
	}
	p.brief.note(c, time.Second)
	if run() {
		t.Error("the caller ran what was long")
	}
}
