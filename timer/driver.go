package timer

import (
	"runtime"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// A Driver is a thread that polls [Wheels] whenever a timer is due and sleeps in between, without limit if there is none. It
// is for those who have no poller of their own to do that.
//
// On Linux it asks the kernel for a timer slack of one nanosecond in place of 50 us, and sleeps on a futex, whose timeout is in
// nanoseconds. (On an idle machine a sleep of package time is a wait in epoll, whose timeout is in milliseconds.)
type Driver struct {
	wheels *Wheels
	word   atom.Uint32
	done   chan struct{}
}

// The driver's word.
const (
	driverAsleep uint32 = iota // or about to be
	driverWoken
	driverStopped
)

// StartDriver starts a driver.
func StartDriver(w *Wheels) *Driver {
	d := &Driver{wheels: w, done: make(chan struct{})}
	w.SetWake(d.wake)
	go d.main()
	return d
}

// Stop ends the driver and waits until it has ended. Timers stay, and fire only if somebody polls. A function that the driver
// calls for a timer must not call Stop: it would wait for itself.
func (d *Driver) Stop() {
	d.word.Store(driverStopped)
	atom.FutexWake(&d.word, 1)
	<-d.done
}

func (d *Driver) wake() {
	if d.word.CompareAndSwap(driverAsleep, driverWoken) {
		atom.FutexWake(&d.word, 1)
	}
}

func (d *Driver) main() {
	defer close(d.done)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer atom.Precise()()
	defer atom.Urgent()()
	d.drive()
}

// drive polls and sleeps. Waking it, which changes the word, comes after the change of plan: so the word must be reset before
// Next looks at the plan.
func (d *Driver) drive() {
	for d.rouse() {
		d.wheels.Poll(d.wheels.Now())
		timeout := time.Duration(-1)
		if when, ok := d.wheels.Next(); ok {
			if timeout = when - d.wheels.Now(); timeout <= 0 {
				continue
			}
		}
		atom.FutexWait(&d.word, driverAsleep, timeout)
	}
}

// rouse resets the word, and reports false if the driver has been stopped.
func (d *Driver) rouse() bool {
	return d.word.CompareAndSwap(driverWoken, driverAsleep) || d.word.Load() != driverStopped
}
