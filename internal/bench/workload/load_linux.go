package workload

import (
	"errors"
	"net/netip"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/bench"
)

// run is one thread in epoll: it costs as little as can be, so that what is measured is the server.
func (l *load) run(ready func() error) (*loadResult, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if l.Every > 0 {
		defer elsewhere()()
	} else {
		defer atom.Urgent()()
	}
	to, err := netip.ParseAddrPort(l.Address)
	if err != nil {
		return nil, err
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	fds := make([]int, l.Conns)
	requests := make([]request, l.Conns)
	for i := range fds {
		requests[i].conn = i
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}); err != nil {
			return nil, err
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
			return nil, err
		}
		if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}); err != nil {
			return nil, err
		}
		fds[i] = fd
	}
	out := make([]byte, l.Size)
	pattern(out)
	buf := make([]byte, max(l.Size, 1<<16))
	send := func(i int) error {
		q := &requests[i]
		q.next(out)
		q.sent = time.Now()
		for b := out; len(b) > 0; {
			n, err := call(unix.SYS_WRITE, fds[i], b)
			if err != 0 && err != unix.EINTR {
				return err
			}
			b = b[n:]
		}
		return nil
	}
	events := make([]unix.EpollEvent, 512)
	var later []int // connections whose next request is not due yet, in the order of their turns
	// round sends a request on each connection and again for each answer, until so many have been sent, and waits for the answers.
	round := func(requestsLeft int, every time.Duration, latencies []time.Duration) ([]time.Duration, error) {
		under := 0
		for i, begin := 0, time.Now(); i < l.Conns && requestsLeft > 0; i++ {
			if every > 0 {
				requests[i].sent = l.first(begin, i).Add(-every)
				later = append(later, i)
				continue
			}
			if err := send(i); err != nil {
				return nil, err
			}
			under++
			requestsLeft--
		}
		for under > 0 || len(later) > 0 && requestsLeft > 0 {
			timeout := time.Duration(-1)
			for len(later) > 0 && requestsLeft > 0 {
				i := later[0]
				if left := time.Until(requests[i].sent.Add(every)); left > 0 {
					timeout = left
					break
				}
				later = later[1:]
				if err := send(i); err != nil {
					return nil, err
				}
				under++
				requestsLeft--
			}
			n, err := epollWait(epoll, events, timeout)
			if err != nil && err != unix.EINTR {
				return nil, err
			}
			for _, ev := range events[:max(n, 0)] {
				i := int(ev.Fd)
				q := &requests[i]
				m, err := call(unix.SYS_READ, fds[i], buf)
				switch {
				case err == unix.EINTR || err == unix.EAGAIN:
					continue
				case err != 0:
					return nil, err
				case m == 0:
					return nil, errors.New("the server has closed a connection")
				}
				if err := q.check(buf[:m], l.Size); err != nil {
					return nil, err
				}
				if q.got < l.Size {
					continue
				}
				latencies = append(latencies, time.Since(q.sent))
				if under--; every > 0 {
					later = append(later, i)
				} else if requestsLeft > 0 {
					if err := send(i); err != nil {
						return nil, err
					}
					under++
					requestsLeft--
				}
			}
		}
		return latencies, nil
	}
	if _, err := round(l.Conns, 0, nil); err != nil {
		return nil, err
	}
	if err := ready(); err != nil {
		return nil, err
	}
	begin := time.Now()
	cpu, _ := bench.CPUTime()
	latencies, err := round(l.Requests, l.Every, make([]time.Duration, 0, l.Requests))
	if err != nil {
		return nil, err
	}
	result := l.result(latencies, time.Since(begin))
	after, _ := bench.CPUTime()
	result.CPU = after - cpu
	return result, nil
}

// epollWait waits for a time that is exact to the nanosecond, or without limit if it is negative.
func epollWait(epoll int, events []unix.EpollEvent, timeout time.Duration) (int, error) {
	if timeout < 0 {
		return unix.EpollWait(epoll, events, -1)
	}
	limit := unix.NsecToTimespec(int64(timeout))
	n, _, errno := syscall.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)),
		uintptr(unsafe.Pointer(&limit)), 0, 0)
	switch errno {
	case 0:
		return int(n), nil
	case unix.ENOSYS, unix.EPERM:
		return unix.EpollWait(epoll, events, int((timeout+time.Millisecond-1)/time.Millisecond))
	}
	return 0, errno
}

// call reads or writes without telling the runtime: this process has nothing else to run.
func call(trap uintptr, fd int, b []byte) (int, unix.Errno) {
	n, _, errno := syscall.RawSyscall(trap, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
