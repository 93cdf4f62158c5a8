package sched

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// stuck keeps its worker until it may go on.
func stuck(goOn <-chan struct{}) { <-goOn }

func TestAWorkerThatIsStuckIsReportedOnceWithItsTask(t *testing.T) {
	reports := make(chan *Stall, 10)
	s, ctx := newScheduler(t, WithWorkers(2), WithStall(20*time.Millisecond), WithStallHandler(func(s *Stall) { reports <- s }))
	goOn := make(chan struct{})
	f := Go(ctx, func(*Task) (int, error) { stuck(goOn); return 1, nil })
	r := <-reports
	if r.Worker < 0 || r.For < 20*time.Millisecond || !bytes.Contains(r.Stack, []byte("sched.stuck(")) ||
		!strings.Contains(r.Task, "TestAWorkerThatIsStuck") || !strings.Contains(r.Started.String(), "stall_test.go") {
		t.Errorf("%v\nstarted %v\n%s", r, r.Started, r.Stack)
	}
	if n := s.Stats().Stalls; n != 1 {
		t.Errorf("%d stalls", n)
	}
	close(goOn)
	if _, err := f.Await(ctx); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if len(reports) != 0 {
		t.Errorf("reported again: %v", <-reports)
	}
}
