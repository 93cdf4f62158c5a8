//go:build !linux || pinwheel_portable

package netpoll

import (
	"net"
	"sync"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/timer"
)

// engine is the part of a [Poller] that waits: for timers alone, since connections stand on package net here.
type engine struct {
	refused error // never
	driver  *timer.Driver
	orphans orphans
}

func (p *Poller) init() { p.orphans.all = map[orphan]struct{}{} }

func (p *Poller) launch() { p.driver = timer.StartDriver(p.wheels) }

func (p *Poller) run() {}

// kick is not called: the driver has taken over.
func (p *Poller) kick() {}

func (p *Poller) pollDescriptors() int { return 0 }

// Watch does not wait on this system.
func (p *Poller) Watch(*atom.Uint32, time.Duration) (watched, found bool) { return false, false }

// Deliver is not called.
func (p *Poller) Deliver() {}

// Rouse does nothing.
func (p *Poller) Rouse(*atom.Uint32) {}

// Rise does nothing.
func (p *Poller) Rise(*atom.Uint32) {}

func (p *Poller) shut() {
	p.orphans.close()
	p.driver.Stop()
}

// orphans are what has to be closed when the poller is.
type orphans struct {
	mu     sync.Mutex
	all    map[orphan]struct{}
	closed bool
}

// An orphan is a connection or a listener whose poller is closed.
type orphan interface{ orphan() }

// add enters something. It fails with [net.ErrClosed] if the poller is closed.
func (o *orphans) add(one orphan) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return net.ErrClosed
	}
	o.all[one] = struct{}{}
	return nil
}

func (o *orphans) remove(one orphan) {
	o.mu.Lock()
	delete(o.all, one)
	o.mu.Unlock()
}

func (o *orphans) close() {
	o.mu.Lock()
	o.closed = true
	all := o.all
	o.all = nil
	o.mu.Unlock()
	for one := range all {
		one.orphan()
	}
}
