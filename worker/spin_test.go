package worker

import (
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// A turning loop has a prompt task for whoever turns it: of a timer, or of a descriptor.
type turning struct {
	p     *Pool
	job   *Job
	after int // how many turns
	timer bool
}

func (l *turning) Turn(int, time.Duration) (due, ready bool) {
	if l.after--; l.after >= 0 {
		return false, false
	}
	l.p.looper.prompt.push(l.job)
	return l.timer, !l.timer
}

func (l *turning) Rest(int) time.Duration                                  { return forever }
func (l *turning) Watch(*atom.Uint32, time.Duration) (watched, found bool) { return false, false }
func (l *turning) Deliver()                                                {}
func (l *turning) Rouse(*atom.Uint32)                                      {}
func (l *turning) Rise(int, *atom.Uint32)                                  {}
func (l *turning) Close()                                                  {}

// To spin pays if it finds a descriptor that is ready, and not if it finds a timer that is due.
func TestSpinningDoesNotPayByTimers(t *testing.T) {
	for _, timer := range []bool{false, true} {
		l := &turning{after: 1, timer: timer, job: &Job{}}
		p, err := New(Config{Workers: 1, Spin: time.Minute, Loop: func() (Loop, error) { return l, nil }})
		if err != nil {
			t.Fatal(err)
		}
		l.p = p
		if _, err := p.Loop(); err != nil {
			t.Fatal(err)
		}
		w := p.workers[0] // has not started
		w.init(0)
		w.cur.Store(&fiber{p: &w.proc})
		w.spin = p.spin / 2
		if w.search() != l.job || w.timed != timer || (w.spin == p.spin) == timer {
			t.Errorf("timer %v: found by a timer: %v, spins for %v from now on", timer, w.timed, w.spin)
		}
		p.endSearch()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}
