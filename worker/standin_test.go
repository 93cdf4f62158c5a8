package worker

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
)

// newBench returns a pool whose spares never start, and a function that relieves a worker and returns who stands in for it, on duty as
// the worker was.
func newBench(t *testing.T) (p *Pool, relieve func(w *worker) *worker) {
	t.Helper()
	p, err := New(Config{Workers: 2, Spares: 8})
	if err != nil {
		t.Fatal(err)
	}
	p.starting = func(*worker) {}
	for _, w := range p.workers {
		p.idle.remove(w.id)
		p.state.Add(oneAwake)
		w.duty.Store(onDuty)
	}
	return p, func(w *worker) *worker {
		p.relieve(w)
		s := w.relief.Load()
		s.duty.Store(onDuty)
		return s
	}
}

// Where spares are kept, two may have stood in for each other in turn. Both have the seat of a worker all the same.
func TestSparesThatStandInForEachOther(t *testing.T) {
	p, relieve := newBench(t)
	p.spares.often.Store(true)
	w := p.workers[1]
	a := relieve(w)
	b := relieve(a)
	a.takeSeat() // and b is kept
	p.spares.often.Store(false)
	w.takeSeat() // and a is dismissed
	a.duty.Store(offDuty)
	p.bench(a)
	if c := relieve(b); c != a {
		t.Fatalf("spare %d stands in, not %d", c.id, a.id)
	}
	for _, s := range []*worker{a, b, relieve(a)} {
		if seat := s.seat.Load(); seat.isSpare() {
			t.Errorf("spare %d has the seat of spare %d", s.id, seat.id)
		} else if s.native() != w {
			t.Errorf("spare %d has the seat of worker %d", s.id, s.native().id)
		}
	}
}

// A spare that has never stood in for anybody is not started because the pool ends.
func TestASpareThatIsNotNeededIsNotStarted(t *testing.T) {
	p, _ := newBench(t)
	p.starting = func(*worker) { t.Error("it is started") }
	s := p.takeSpare()
	p.stopping.Store(true)
	p.bench(s)
}

// A worker that comes back while the watch is relieving it is no obstacle to the garbage collector, for which the watch may wait, in a
// program that does without asynchronous preemption either.
func TestAWorkerThatComesBackLetsTheCollectorBegin(t *testing.T) {
	const debug = "GODEBUG=asyncpreemptoff=1"
	if os.Getenv("GODEBUG") != debug[len("GODEBUG="):] {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), debug)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	p, relieve := newBench(t)
	w := p.workers[0]
	s := relieve(w)
	w.duty.Store(handing) // as if it were not done yet
	begun, back := make(chan struct{}), make(chan struct{})
	go func() {
		close(begun)
		w.takeSeat()
		close(back)
	}()
	<-begun
	for range 10 {
		runtime.GC()
	}
	w.duty.Store(relieved)
	<-back
	p.dismissRelief(w)
	if !s.seatless.Load() {
		t.Error("the spare still has the seat")
	}
}
