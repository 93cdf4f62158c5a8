//go:build linux && !pinwheel_portable

package netpoll

import (
	"net"
	"sync"
	"time"

	"github.com/pinwheel-sched/pinwheel/timer"
)

// deadlines are those of the two sides of a descriptor. They are made when the first is set.
type deadlines struct{ r, w deadline }

// A deadline is a time on the clock of the wheels.
//
// Servers move their deadlines on with each request and hardly ever reach one. So a deadline that is later than what the timer
// is set to leaves the timer alone: when that fires, it is set again.
type deadline struct {
	timer  timer.Timer
	wheels *timer.Wheels
	side   *side
	ready  bool // it makes the side ready instead of expired: the end of a pause

	mu   sync.Mutex
	at   time.Duration // 0: none
	due  time.Duration // when the timer fires; 0: it does not
	gone bool          // the descriptor is closed
}

func (d *deadline) init(wheels *timer.Wheels, s *side) {
	d.wheels, d.side = wheels, s
	d.timer.Init(d.fire)
}

// set sets the deadline so far from now, or removes it if there is none.
func (d *deadline) set(shard *timer.Shard, left time.Duration, none bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.gone:
	case none:
		d.at = 0
		d.side.word.And(^sideExpired)
	case left <= 0:
		d.at = 0
		d.side.end(sideExpired)
	default:
		if !d.ready {
			d.side.word.And(^sideExpired)
		}
		now := d.wheels.Now()
		d.at = now + min(left, 1<<62-now)
		if d.due == 0 || d.due > d.at {
			d.due = d.at
			d.timer.ResetAt(shard, d.at)
		}
	}
}

// fire is called by the timer.
func (d *deadline) fire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.due = 0
	switch {
	case d.gone || d.at == 0:
	case d.at <= d.wheels.Now():
		d.at = 0
		if d.ready {
			d.side.event(false)
		} else {
			d.side.end(sideExpired)
		}
	default:
		d.due = d.at
		d.timer.Reset(d.at - d.wheels.Now())
	}
}

func (d *deadline) stop() {
	d.mu.Lock()
	d.gone = true
	d.mu.Unlock()
	d.timer.Stop()
}

func (t *deadlines) stop() {
	t.r.stop()
	t.w.stop()
}

// setDeadline sets the deadlines of reading, writing or both. Those that have passed end waits at once.
func (d *desc) setDeadline(t time.Time, read, write bool) error {
	if !d.hold() {
		return net.ErrClosed
	}
	defer d.letGo()
	limits := d.timers.Load()
	if limits == nil {
		if t.IsZero() {
			return nil
		}
		limits = &deadlines{}
		limits.r.init(d.poller.wheels, &d.r)
		limits.w.init(d.poller.wheels, &d.w)
		if !d.timers.CompareAndSwap(nil, limits) {
			limits = d.timers.Load()
		}
	}
	left := time.Until(t)
	shard := d.poller.nearest()
	if read {
		limits.r.set(shard, left, t.IsZero())
	}
	if write {
		limits.w.set(shard, left, t.IsZero())
	}
	if d.life.Load()&descClosed != 0 { // after setting the timer: retire may have come before there was one to stop
		limits.stop()
	}
	return nil
}
