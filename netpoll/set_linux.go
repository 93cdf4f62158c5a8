//go:build linux && !pinwheel_portable

package netpoll

import (
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// A kernelSet is what the kernel has of a poller: a set of descriptors, and in it an eventfd, by which whoever waits for the set is
// woken. The eventfd is level-triggered, and its events carry 0 where those of descriptors carry their generation.
//
// The poller has it as an epollSet, for which the explorer has a model.
type kernelSet struct{ epoll, event int }

func (s *kernelSet) open() (err error) {
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if s.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		_ = unix.Close(s.epoll)
		return os.NewSyscallError("eventfd2", err)
	}
	if err = s.add(s.event, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(s.event)}); err != nil {
		s.close()
		return os.NewSyscallError("epoll_ctl", err)
	}
	return nil
}

func (s kernelSet) close() {
	_ = unix.Close(s.epoll)
	_ = unix.Close(s.event)
}

func (s kernelSet) add(fd int, ev *unix.EpollEvent) error {
	return unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, ev)
}

func (s kernelSet) remove(fd int) {
	var ev unix.EpollEvent
	_ = unix.EpollCtl(s.epoll, unix.EPOLL_CTL_DEL, fd, &ev)
}

// ring wakes whoever waits.
func (s kernelSet) ring() {
	one := uint64(1)
	_, _, _ = syscall.RawSyscall(unix.SYS_WRITE, uintptr(s.event), uintptr(unsafe.Pointer(&one)), 8)
}

// hush takes the ringing back.
func (s kernelSet) hush() {
	var count uint64
	_, _, _ = syscall.RawSyscall(unix.SYS_READ, uintptr(s.event), uintptr(unsafe.Pointer(&count)), 8)
}

// poll takes what is ready, without blocking. It is a raw system call: the runtime need not be told of what does not block.
func (s kernelSet) poll(events []unix.EpollEvent) int {
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(s.epoll), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// await waits until something is ready or the timeout, if it is not negative, is over. It may return early with nothing.
func (s kernelSet) await(events []unix.EpollEvent, timeout time.Duration) int {
	if !coarse.Load() {
		var limit *unix.Timespec
		if timeout >= 0 {
			ts := unix.NsecToTimespec(int64(min(timeout, longestWait)))
			limit = &ts
		}
		n, errno := atom.BlockingCall(unix.SYS_EPOLL_PWAIT2, uintptr(s.epoll), unsafe.Pointer(&events[0]), uintptr(len(events)),
			unsafe.Pointer(limit), 0, 0)
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
	n, err := unix.EpollWait(s.epoll, events, ms)
	if err != nil {
		return 0
	}
	return n
}

// longestWait is short enough for the seconds of every system to hold.
const longestWait = 24 * time.Hour

// coarse says that the kernel has no epoll_pwait2, or a filter refuses it: timers are then late by up to a millisecond.
var coarse atom.Bool
