package sched

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// stuck keeps its worker until it may go on. It has passed a safe point before.
func stuck(t *Task, goOn <-chan struct{}) {
	Yield(t)
	<-goOn
}

func TestAWorkerThatIsStuckIsReportedOnceWithItsTask(t *testing.T) {
	isStuck := func(r *Stall) bool { return bytes.Contains(r.Stack, []byte("sched.stuck(")) }
	reports := make(chan *Stall, 1000)
	s, ctx := newScheduler(t, WithWorkers(2), WithStall(20*time.Millisecond), WithStallHandler(func(s *Stall) { reports <- s }))
	goOn := make(chan struct{})
	f := Go(ctx, func(t *Task) (int, error) { stuck(t, goOn); return 1, nil })
	r, others := <-reports, uint64(0)
	for ; !isStuck(r); r = <-reports {
		others++ // a thread that was about to run the task got no CPU for so long
	}
	if r.Worker < 0 || r.For < 20*time.Millisecond ||
		!strings.Contains(r.Task, "TestAWorkerThatIsStuck") || !strings.Contains(r.Started.String(), "stall_test.go") {
		t.Errorf("%v\nstarted %v\n%s", r, r.Started, r.Stack)
	}
	if n := s.Stats().Stalls; n != others+1 {
		t.Errorf("%d stalls, %d reports", n, others+1)
	}
	close(goOn)
	if _, err := f.Await(ctx); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for len(reports) > 0 {
		if r := <-reports; isStuck(r) {
			t.Errorf("reported again: %v", r)
		}
	}
}
