package worker

import (
	"testing"
	"time"
)

func TestOnlyWhoPassesNoSafePointIsReportedAndOnlyOnce(t *testing.T) {
	reports := 0
	p, err := New(Config{Workers: 1, Stall: time.Second, OnStall: func(*Stall) { reports++ }})
	if err != nil {
		t.Fatal(err)
	}
	w := p.workers[0]
	w.init(0)
	f := &fiber{p: &w.proc}
	f.init()
	w.cur.Store(f)
	at := time.Second
	ask := func(want int, when string) {
		t.Helper()
		at += 600 * time.Millisecond
		if p.ask(&w.proc, at); reports != want {
			t.Fatalf("%s: %d reports, want %d", when, reports, want)
		}
	}
	w.goOn()
	for range 5 {
		ask(0, "with safe points")
		f.service()
	}
	for range 5 {
		ask(0, "between jobs")
		w.answer()
	}
	ask(0, "asked")
	ask(0, "600 ms later")
	ask(1, "1200 ms later")
	ask(1, "later")
	f.service()
	ask(1, "after a safe point")
	ask(1, "after 600 ms without one")
	ask(2, "after 1200 ms without one")
	w.goOff()
	for range 5 {
		ask(2, "asleep")
	}
}
