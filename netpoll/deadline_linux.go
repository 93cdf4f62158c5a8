//go:build linux && !pinwheel_portable

package netpoll

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/pinwheel-sched/pinwheel/timer"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// deadlines are those of the two sides of a descriptor, as times on the clock of the wheels. They are made when the first is set.
//
// Servers move their deadlines on with each request and hardly ever reach one. So a deadline that is later than what the timer
// is set to leaves the timer alone: when that fires, it is set again.
type deadlines struct {
	timer  timer.Timer
	wheels *timer.Wheels

	mu   sync.Mutex
	r, w deadline
	due  time.Duration // when the timer fires; 0: it does not
	gone bool          // the descriptor is closed
}

type deadline struct {
	side *side
	at   time.Duration // 0: none
}

func newDeadlines(d *desc) *deadlines {
	t := &deadlines{wheels: d.poller.wheels, r: deadline{side: &d.r}, w: deadline{side: &d.w}}
	t.timer.Init(t.fire)
	return t
}

// set sets a deadline. 0 is none, and what is not after now has passed. It returns the side if its wait has to be ended.
func (d *deadline) set(now, at time.Duration) (expired *side) {
	if at != 0 && at <= now {
		d.at = 0
		d.side.mark(sideExpired)
		return d.side
	}
	d.at = at
	d.side.word.And(^sideExpired)
	return nil
}

// expire does what is due.
func (d *deadline) expire(now time.Duration) (expired *side) {
	if d.at == 0 || d.at > now {
		return nil
	}
	return d.set(now, d.at)
}

// end ends the waits of sides that have expired. Both have been marked before, so that whoever is woken finds the other
// expired as well. The deadlines must not be locked: where nobody is left to be told, the connection is closed, and its deadlines stopped.
func end(sides ...*side) {
	for _, s := range sides {
		if s != nil {
			s.rouse()
		}
	}
}

// next returns the earlier deadline, or 0.
func (t *deadlines) next() time.Duration {
	if t.r.at == 0 || t.w.at != 0 && t.w.at < t.r.at {
		return t.w.at
	}
	return t.r.at
}

// fire is called by the timer.
func (t *deadlines) fire() { end(t.expire()) }

func (t *deadlines) expire() (r, w *side) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.due = 0
	if t.gone {
		return nil, nil
	}
	now := t.wheels.Now()
	r, w = t.r.expire(now), t.w.expire(now)
	if t.due = t.next(); t.due != 0 {
		t.timer.Reset(t.due - now)
	}
	return r, w
}

// set sets deadlines, and returns the sides whose waits have to be ended.
func (t *deadlines) set(shard *timer.Shard, now, at time.Duration, read, write bool) (r, w *side) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.gone {
		return nil, nil
	}
	if read {
		r = t.r.set(now, at)
	}
	if write {
		w = t.w.set(now, at)
	}
	if next := t.next(); next != 0 && (t.due == 0 || t.due > next) {
		t.due = next
		t.timer.ResetAt(shard, next)
	}
	return r, w
}

func (t *deadlines) stop() {
	t.mu.Lock()
	t.gone = true
	t.mu.Unlock()
	t.timer.Stop()
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
		limits = newDeadlines(d)
		if !d.timers.CompareAndSwap(nil, limits) {
			limits = d.timers.Load()
		}
	}
	var now, at time.Duration
	if !t.IsZero() {
		now = d.poller.wheels.Now()
		left := time.Until(t)
		at = max(now+min(left, 1<<62-now), 1)
	}
	end(limits.set(d.poller.nearest(), now, at, read, write))
	if d.life.Load()&descClosed != 0 { // after setting the timer: retire may have come before there was one to stop
		limits.stop()
	}
	return nil
}

// nearest returns the shard of the wheels that a timer of the caller's should be in.
func (p *Poller) nearest() *timer.Shard {
	if t := worker.Here(context.Background()); t != nil {
		return p.wheels.Shard(t.Worker())
	}
	return p.wheels.Shard(-1)
}
