//go:build linux && !pinwheel_portable

package netpoll

import (
	"net"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/timer"
)

// How the thread is told of a new plan.
//
//	To sleep (main):   clear told; then read the plan (closing, Wheels.Next); then wait in epoll.
//	To change the plan: change it; then set told, and if that was clear, write to the eventfd.
//
// If told was set already, the thread has not cleared it since, so it is going to read the plan after the change. The eventfd is
// level-triggered, unlike everything else: a worker that polls finds it in the same epoll set, and must leave it to the thread.

// engine is the part of a [Poller] that waits for descriptors.
type engine struct {
	refused error         // why there is no epoll
	driver  *timer.Driver // drives the timers then
	epoll   int
	event   int // the eventfd
	table   table
	done    chan struct{} // closed when the thread has ended

	generations atom.Uint32
	told        atom.Uint32
	closing     atom.Bool
	holds       atom.Int64    // what needs the epoll descriptor: registrations, and the poller itself
	free        chan struct{} // closed when holds is 0

	turn  atom.Uint32 // 1 while somebody polls without blocking
	batch []unix.EpollEvent
}

const (
	threadBatch = 256 // events that the thread takes at once
	workerBatch = 128 // that a worker does
)

func (p *Poller) init() {
	p.done, p.free = make(chan struct{}), make(chan struct{})
	p.holds.Store(1)
}

// launch starts the thread, or sets refused and starts a driver for the timers.
func (p *Poller) launch() {
	if p.refused = p.open(); p.refused != nil {
		p.driver = timer.StartDriver(p.wheels)
		return
	}
	p.batch = make([]unix.EpollEvent, workerBatch)
	go p.main()
}

func (p *Poller) open() (err error) {
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if p.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		_ = unix.Close(p.epoll)
		return os.NewSyscallError("eventfd2", err)
	}
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(p.event)}
	if err = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, p.event, &ev); err != nil {
		_ = unix.Close(p.epoll)
		_ = unix.Close(p.event)
		return os.NewSyscallError("epoll_ctl", err)
	}
	return nil
}

// interest is what everything is registered for.
const interest = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// register adds a descriptor. From now on s.sink is told of it, also before register has returned. It fails with
// [net.ErrClosed] if the poller is closed, and with what the system says; then nothing is registered.
func (p *Poller) register(s *source, fd int, sink sink) error {
	if err := p.start(); err != nil {
		return err
	}
	if !p.hold() {
		return net.ErrClosed
	}
	s.fd, s.gen, s.sink = int32(fd), p.generation(), sink
	place := p.table.grow(fd)
	place.Store(s)
	ev := unix.EpollEvent{Events: interest, Fd: s.fd, Pad: int32(s.gen)}
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		place.Store(nil)
		p.unhold()
		return os.NewSyscallError("epoll_ctl", err)
	}
	if p.closing.Load() { // after entering the table: the mirror image of shut
		sink.orphan()
	}
	return nil
}

// unregister removes a descriptor, which must be done before it is closed. No event reaches its sink that is looked up later.
func (p *Poller) unregister(s *source) {
	p.table.at(int(s.fd)).Store(nil)
	var ev unix.EpollEvent
	_ = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, int(s.fd), &ev)
	p.unhold()
}

// generation returns one that has not been used for as many registrations as there are. It is never 0: that is the eventfd's.
func (p *Poller) generation() uint32 {
	for {
		if g := p.generations.Add(1); g != 0 {
			return g
		}
	}
}

func (p *Poller) hold() bool {
	for {
		n := p.holds.Load()
		if n == 0 {
			return false
		}
		if p.holds.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (p *Poller) unhold() {
	if p.holds.Add(-1) == 0 {
		close(p.free)
	}
}

// kick makes the thread read its plan again.
func (p *Poller) kick() {
	if p.refused == nil && p.told.CompareAndSwap(0, 1) {
		one := uint64(1)
		_, _, _ = syscall.RawSyscall(unix.SYS_WRITE, uintptr(p.event), uintptr(unsafe.Pointer(&one)), 8)
	}
}

// shut closes a poller that runs. The steps:
//
//  1. closing: what registers from now on is told at once that it is an orphan.
//  2. All that is registered is told.
//  3. The thread ends.
//  4. When the last of them has unregistered, and nobody polls any more, the descriptors are closed.
func (p *Poller) shut() {
	if p.refused != nil {
		p.driver.Stop()
		return
	}
	p.closing.Store(true)
	p.table.each(func(s *source) { s.sink.orphan() })
	p.kick()
	<-p.done
	p.unhold()
	<-p.free
	for !p.turn.CompareAndSwap(0, 1) { // and keep it
		runtime.Gosched()
	}
	_ = unix.Close(p.epoll)
	_ = unix.Close(p.event)
}

// main is the thread.
func (p *Poller) main() {
	defer close(p.done)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer atom.Precise()()
	events := make([]unix.EpollEvent, threadBatch)
	for {
		p.told.Store(0) // then read the plan
		if p.closing.Load() {
			return
		}
		p.wheels.Poll(p.wheels.Now())
		n := poll(p.epoll, events)
		if n == 0 {
			timeout := time.Duration(-1)
			if when, ok := p.wheels.Next(); ok {
				if timeout = when - p.wheels.Now(); timeout <= 0 {
					continue
				}
			}
			n = await(p.epoll, events, timeout)
		}
		if _, woken := p.deliver(events[:n]); woken {
			var count uint64
			_, _, _ = syscall.RawSyscall(unix.SYS_READ, uintptr(p.event), uintptr(unsafe.Pointer(&count)), 8)
		}
	}
}

// pollDescriptors is Poll of a poller that runs.
func (p *Poller) pollDescriptors() (n int) {
	if p.refused != nil || p.holds.Load() <= 1 || p.turn.Load() != 0 || !p.turn.CompareAndSwap(0, 1) {
		return 0
	}
	n, _ = p.deliver(p.batch[:poll(p.epoll, p.batch)])
	p.turn.Store(0)
	return n
}

// deliver tells the sinks. woken says that the eventfd was among the events, which does not count.
func (p *Poller) deliver(events []unix.EpollEvent) (n int, woken bool) {
	for i := range events {
		ev := &events[i]
		if gen := uint32(ev.Pad); gen != 0 {
			if s := p.table.find(int(ev.Fd), gen); s != nil {
				s.sink.ready(ev.Events)
				n++
			}
			continue
		}
		woken = true
	}
	return n, woken
}

// poll takes what is ready, without blocking. It is a raw system call: the runtime need not be told of what does not block.
func poll(epoll int, events []unix.EpollEvent) int {
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// await waits until something is ready or the timeout, if it is not negative, is over. It may return early with nothing.
func await(epoll int, events []unix.EpollEvent, timeout time.Duration) int {
	if !coarse.Load() {
		var limit *unix.Timespec
		if timeout >= 0 {
			ts := unix.NsecToTimespec(int64(min(timeout, longestWait)))
			limit = &ts
		}
		n, _, errno := syscall.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])),
			uintptr(len(events)), uintptr(unsafe.Pointer(limit)), 0, 0)
		switch errno {
		case 0:
			return int(n)
		case unix.EINTR:
			return 0
		}
		coarse.Store(true)
	}
	ms := -1
	if timeout >= 0 {
		ms = int((min(timeout, longestWait) + time.Millisecond - 1) / time.Millisecond)
	}
	n, err := unix.EpollWait(epoll, events, ms)
	if err != nil {
		return 0
	}
	return n
}

// longestWait is short enough for the seconds of every system to hold.
const longestWait = 24 * time.Hour

// coarse says that the kernel has no epoll_pwait2, or a filter refuses it: timers are then late by up to a millisecond.
var coarse atom.Bool
