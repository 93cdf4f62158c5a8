//go:build linux && !pinwheel_portable

package netpoll

import (
	"net"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/timer"
)

// Who waits in epoll?
//
// One at a time does: it has the watch. If a worker that has nothing to do has it, an event wakes the very thread that is going
// to run the handler. If the poller's thread had it always, each event would wake that first, even if a worker is about to
// poll: a second switch of threads, which in a virtual machine costs as much as several requests.
//
//   - The thread begins with the watch. If a worker asks for it in vain (wanted), and still sleeps when the next events come, the thread lets
//     go of it when it has delivered them, for they are likely to have woken that worker.
//   - A worker that is about to sleep takes the watch if nobody has it, and sleeps in epoll instead of on its futex. Whoever wakes it by
//     the word that it sleeps on then writes to the eventfd as well (Rouse). When it is awake, nobody has the watch.
//   - While it is without the watch, the thread looks now and then whether somebody polls: soon, and then less and less often, down to once
//     in a guardTime. If nobody has since the last look, all workers compute, and the thread takes the watch again. When all have slept for
//     some time it looks no more, until somebody gets up.
//
// So a descriptor that becomes ready while all workers have just begun to compute waits for a guardTime at most, and that only
// once: then the thread has the watch and keeps it, until workers sleep again.
//
// How the thread is told of a new plan.
//
//	To sleep (main):   say where (mode); clear told; then read the plan (closing, Wheels.Next, quiet); then sleep.
//	To change the plan: change it; then set told, and if that was clear, wake the thread where it sleeps.
//
// If told was set already, the thread has not cleared it since, so it is going to read the plan after the change. The eventfd is
// level-triggered, unlike everything else: a worker that polls without blocking finds it in the same epoll set, and must leave
// it to whoever has the watch.

// engine is the part of a [Poller] that waits for descriptors.
type engine struct {
	refused error         // why there is no epoll
	driver  *timer.Driver // drives the timers then
	set     epollSet
	table   table
	done    chan struct{} // closed when the thread has ended

	generations atom.Uint32
	told        atom.Uint32
	closing     atom.Bool
	holds       atom.Int64    // what needs the descriptors: registrations, whoever rings, and the poller itself
	free        chan struct{} // closed when holds is 0

	turn  atom.Uint32 // 1 while somebody polls without blocking
	batch []unix.EpollEvent

	watch   atom.Uint32               // who has it
	watcher atom.Pointer[atom.Uint32] // the word of the worker that sleeps with it
	found   []unix.EpollEvent         // what it has found; a part of caught
	caught  []unix.EpollEvent
	wanted  atom.Pointer[atom.Uint32] // the word of a worker that has asked for it in vain, and sleeps
	polls   atom.Uint32               // counts that somebody has polled, roughly
	quiet   atom.Uint32               // 1: the thread sleeps without looking whether somebody polls
	mode    atom.Uint32               // where the thread sleeps
}

// Who has the watch.
const (
	watchFree uint32 = iota
	watchThread
	watchWorker
	watchClosed
)

// Where the thread sleeps.
const (
	modeFutex uint32 = iota
	modeEpoll
)

// The thread looks whether somebody polls after guardSoon, and then at intervals that grow to guardTime.
const (
	guardSoon = 125 * time.Microsecond
	guardTime = time.Millisecond
)

const (
	threadBatch = 256 // events that the thread takes at once
	workerBatch = 128 // that a worker does
)

func (p *Poller) init() {
	p.done, p.free = make(chan struct{}), make(chan struct{})
	p.holds.Store(1)
}

// launch prepares the thread, or sets refused and starts a driver for the timers.
func (p *Poller) launch() {
	if p.refused = p.set.open(); p.refused != nil {
		p.driver = timer.StartDriver(p.wheels)
		return
	}
	p.batch = make([]unix.EpollEvent, workerBatch)
	p.caught = make([]unix.EpollEvent, workerBatch)
	p.watch.Store(watchThread)
}

// run starts the thread, if there is to be one.
func (p *Poller) run() {
	if p.refused == nil {
		go p.main()
	}
}

// interest is what everything is registered for.
const interest = unix.EPOLLIN | unix.EPOLLPRI | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET

// register adds a descriptor. From now on s.sink is told of it, also before register has returned. It fails with
// [net.ErrClosed] if the poller is closed, and with what the system says; then nothing is registered.
func (p *Poller) register(s *source, fd int, sink sink) error {
	if err := p.start(); err != nil {
		return err
	}
	if !p.hold() {
		return net.ErrClosed
	}
	place := p.enter(s, fd, sink)
	ev := unix.EpollEvent{Events: interest, Fd: s.fd, Pad: int32(s.gen)}
	if err := p.set.add(fd, &ev); err != nil {
		place.Store(nil)
		p.unhold()
		return os.NewSyscallError("epoll_ctl", err)
	}
	if p.closing.Load() { // after entering the table: the mirror image of shut
		sink.orphan()
	}
	return nil
}

// enter puts a registration into the table.
func (p *Poller) enter(s *source, fd int, sink sink) (place *atom.Pointer[source]) {
	s.fd, s.gen, s.sink = int32(fd), p.generation(), sink
	place = p.table.grow(fd)
	place.Store(s)
	return place
}

// unregister removes a descriptor, which must be done before it is closed. No event reaches its sink that is looked up later. It does
// nothing if the descriptor is not registered.
func (p *Poller) unregister(s *source) {
	if place := p.table.at(int(s.fd)); place != nil && place.CompareAndSwap(s, nil) {
		p.set.remove(int(s.fd))
		p.unhold()
	}
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
	if p.refused != nil || p.told.Load() != 0 || !p.told.CompareAndSwap(0, 1) {
		return
	}
	if p.mode.Load() == modeEpoll {
		p.ring()
	} else {
		atom.FutexWake(&p.told, 1)
	}
}

// ring wakes whoever waits in epoll. It holds the descriptors, since whoever has seen the poller run may be late, and the eventfd's number
// somebody else's by now.
func (p *Poller) ring() {
	if p.hold() {
		p.set.ring()
		p.unhold()
	}
}

// shut closes a poller that runs. The steps:
//
//  1. closing: what registers from now on is told at once that it is an orphan.
//  2. All that is registered is told.
//  3. The thread ends, and so does the sleep of a worker that has the watch.
//  4. When the last of them has unregistered, and nobody rings or polls any more, the descriptors are closed.
func (p *Poller) shut() {
	if p.refused != nil {
		p.driver.Stop()
		return
	}
	p.closing.Store(true)
	p.table.each(func(s *source) { s.sink.orphan() })
	p.ring() // a worker that sleeps with the watch
	p.kick()
	<-p.done
	p.unhold()
	<-p.free
	for !p.turn.CompareAndSwap(0, 1) { // and keep it
		runtime.Gosched()
	}
	for !p.watch.CompareAndSwap(watchFree, watchClosed) {
		runtime.Gosched()
	}
	p.set.close()
}

// main is the thread.
func (p *Poller) main() {
	defer close(p.done)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer atom.Precise()()
	defer atom.Urgent()()
	p.drive(make([]unix.EpollEvent, threadBatch))
}

// drive waits for events and timers, with the watch and without, until the poller is closed.
func (p *Poller) drive(events []unix.EpollEvent) {
	for !p.closing.Load() {
		if p.watch.Load() == watchThread {
			p.keepWatch(events)
		} else {
			p.guard()
		}
	}
	p.watch.CompareAndSwap(watchThread, watchFree)
}

// keepWatch waits for descriptors and timers, until somebody else wants to.
func (p *Poller) keepWatch(events []unix.EpollEvent) {
	p.mode.Store(modeEpoll)
	for {
		p.told.Store(0) // then read the plan
		if p.closing.Load() {
			return
		}
		p.wheels.Poll(p.wheels.Now())
		n := p.set.poll(events)
		if n == 0 {
			timeout, due := p.sleep(-1)
			if due {
				continue
			}
			n = p.set.await(events, timeout)
		}
		wanted := p.wanted.Load() // before somebody is woken, who wants it no more then
		delivered, rung := p.deliver(events[:n])
		if rung {
			p.set.hush()
		}
		if delivered > 0 && wanted != nil {
			p.wanted.Store(nil)
			p.watch.Store(watchFree)
			return
		}
	}
}

// sleep returns for how long the thread may sleep, at most for limit unless that is negative. due says not at all.
func (p *Poller) sleep(limit time.Duration) (timeout time.Duration, due bool) {
	when, ok := p.wheels.Next()
	if !ok {
		return limit, false
	}
	if timeout = when - p.wheels.Now(); timeout <= 0 {
		return 0, true
	}
	if limit >= 0 {
		timeout = min(timeout, limit)
	}
	return timeout, false
}

// guard waits for timers, and takes the watch when nobody polls.
func (p *Poller) guard() {
	p.mode.Store(modeFutex)
	interval := guardSoon
	polls, look := p.polls.Load(), p.wheels.Now()+interval
	for idle := 0; ; {
		if idle >= guardRounds {
			p.quiet.Store(1) // then look whether somebody still sleeps with the watch: the mirror image of Watch
			if p.watcher.Load() == nil {
				p.quiet.Store(0)
			}
		}
		p.told.Store(0) // then read the plan
		if p.closing.Load() {
			return
		}
		now := p.wheels.Now()
		p.wheels.Poll(now)
		limit := time.Duration(-1)
		if p.quiet.Load() == 0 {
			if idle >= guardRounds { // somebody has got up
				idle, interval = 0, guardSoon
				look = now + interval
			}
			if now >= look {
				before := polls
				switch polls = p.polls.Load(); {
				case p.watcher.Load() != nil && polls == before:
					idle++
				case polls == before:
					if p.watch.CompareAndSwap(watchFree, watchThread) {
						return
					}
				default:
					idle = 0
				}
				interval = min(2*interval, guardTime)
				look = now + interval
			}
			limit = look - now
		}
		timeout, due := p.sleep(limit)
		if !due {
			atom.FutexWait(&p.told, 0, timeout)
		}
	}
}

// Watch waits for descriptors in place of the poller's thread, until the time until, or [Poller.Rouse], and only while word is 0. It is
// for a worker that has nothing to do and is about to sleep on word. watched is false if it has not waited, because there is
// nothing to wait for or somebody else does. If found is true, there are events, and the caller must call [Poller.Deliver].
func (p *Poller) Watch(word *atom.Uint32, until time.Duration) (watched, found bool) {
	if p.phase.Load() != pollerRunning || p.refused != nil || p.holds.Load() <= 1 {
		return false, false
	}
	if !p.watch.CompareAndSwap(watchFree, watchWorker) {
		p.wanted.Store(word)
		return false, false
	}
	timeout := time.Duration(-1)
	if until != forEver {
		timeout = max(until-p.wheels.Now(), 0)
	}
	p.watcher.Store(word) // then look at it: the mirror image of Rouse
	n := 0
	if word.Load() == 0 && !p.closing.Load() {
		n = p.set.await(p.caught, timeout)
	}
	p.watcher.Store(nil) // then look whether the thread is quiet: the mirror image of guard
	p.polls.Add(1)
	if p.quiet.Load() != 0 {
		p.quiet.Store(0)
		p.kick()
	}
	for i := range n {
		if p.caught[i].Pad == 0 {
			p.set.hush()
			if n == 1 {
				n = 0
			}
			break
		}
	}
	if n == 0 {
		p.watch.Store(watchFree)
		return true, false
	}
	p.found = p.caught[:n]
	return true, true
}

// Deliver delivers what [Poller.Watch] has found.
func (p *Poller) Deliver() {
	p.deliver(p.found)
	p.watch.Store(watchFree)
}

// Rouse ends a [Poller.Watch] with this word, if there is one. The word must have been changed before.
func (p *Poller) Rouse(word *atom.Uint32) {
	if p.phase.Load() == pollerRunning && p.watcher.Load() == word {
		p.ring()
	}
}

// Rise says that a worker sleeps no more on this word, for which it may have asked for the watch.
func (p *Poller) Rise(word *atom.Uint32) {
	if p.wanted.Load() == word {
		p.wanted.CompareAndSwap(word, nil)
	}
}

// forEver is the end of the clock.
const forEver time.Duration = 1<<63 - 1

// pollDescriptors is Poll of a poller that runs.
func (p *Poller) pollDescriptors() (n int) {
	if p.refused != nil || p.holds.Load() <= 1 || p.turn.Load() != 0 || !p.turn.CompareAndSwap(0, 1) {
		return 0
	}
	p.polls.Store(p.polls.Load() + 1)
	n, _ = p.deliver(p.batch[:p.set.poll(p.batch)])
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
