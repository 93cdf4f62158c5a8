//go:build mc && linux && !pinwheel_portable

package netpoll

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/mc"
)

// An epollSet is a kernelSet, and within an exploration a model of one: what becomes ready is reported once, to whoever looks first,
// and the eventfd again and again until it is read. What does not wait is done in one step.
type epollSet struct {
	kernelSet
	news   atom.Uint32       // counts what has come; whoever waits sleeps on it
	events []unix.EpollEvent // that nobody has been told of
	rung   bool
	taken  bool               // somebody waits
	adding func(fd int) error // what comes of adding a descriptor
	gone   bool               // it has been closed
}

func (s *epollSet) close() {
	if !mc.Active() {
		s.kernelSet.close()
		return
	}
	s.news.Load()
	s.gone = true
}

func (s *epollSet) add(fd int, ev *unix.EpollEvent) error {
	if !mc.Active() {
		return s.kernelSet.add(fd, ev)
	}
	s.news.Load()
	return s.adding(fd)
}

func (s *epollSet) remove(fd int) {
	if !mc.Active() {
		s.kernelSet.remove(fd)
	}
}

// arrive is something that happens to a descriptor.
func (s *epollSet) arrive(ev unix.EpollEvent) {
	s.news.Add(1)
	s.events = append(s.events, ev)
	atom.FutexWake(&s.news, 1)
}

func (s *epollSet) ring() {
	if !mc.Active() {
		s.kernelSet.ring()
		return
	}
	s.news.Add(1)
	if s.gone {
		panic("a write to the eventfd's number after that was given back")
	}
	s.rung = true
	atom.FutexWake(&s.news, 1)
}

func (s *epollSet) hush() {
	if !mc.Active() {
		s.kernelSet.hush()
		return
	}
	s.news.Load()
	s.rung = false
}

func (s *epollSet) poll(events []unix.EpollEvent) int {
	if !mc.Active() {
		return s.kernelSet.poll(events)
	}
	s.news.Load()
	return s.take(events)
}

func (s *epollSet) await(events []unix.EpollEvent, timeout time.Duration) int {
	if !mc.Active() {
		return s.kernelSet.await(events, timeout)
	}
	seen := s.news.Load()
	if n := s.take(events); n > 0 {
		return n
	}
	if s.taken {
		panic("two wait in epoll")
	}
	s.taken = true
	atom.FutexWait(&s.news, seen, timeout)
	s.taken = false
	return s.take(events)
}

func (s *epollSet) take(events []unix.EpollEvent) int {
	n := copy(events, s.events)
	s.events = s.events[n:]
	if s.rung && n < len(events) {
		events[n] = unix.EpollEvent{Events: unix.EPOLLIN}
		n++
	}
	return n
}

// guardRounds is as few as may be: more of them add runs, but nothing that can go wrong.
const guardRounds = 1
