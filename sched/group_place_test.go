package sched

import (
	"context"
	"runtime"
	"testing"
)

// A caller of Go that waits for a place comes before the end of the group.
func TestWaitWaitsForCallersOfGoThatWaitForAPlace(t *testing.T) {
	s, err := New(WithWorkers(2))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := With(context.Background(), s)
	for range 300 {
		g := NewGroup(ctx)
		g.SetLimit(1)
		release := make(chan struct{})
		g.Go(func(*Task) error { <-release; return nil })
		ran, over := false, make(chan error)
		go g.Go(func(*Task) error { ran = true; return nil })
		await := func(there func() bool) {
			for ok := false; !ok; runtime.Gosched() {
				g.mu.Lock()
				ok = there()
				g.mu.Unlock()
			}
		}
		await(func() bool { return len(g.queue) == 1 })
		go func() { over <- g.Wait() }()
		await(func() bool { return len(g.waiters) == 1 })
		close(release)
		if err := <-over; err != nil || !ran {
			t.Fatalf("Wait returned %v, and the second task has run: %v", err, ran)
		}
	}
}
