//go:build linux && !pinwheel_portable

package netpoll

import (
	"context"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/timer"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// listening is a listening socket. Package net makes it, because there is no end to what an address may mean; then its
// descriptor is duplicated and the original closed.
type listening struct {
	d    desc
	lost backoff // guarded by the turn of d.r
}

// adopt takes over the descriptor of something of package net's, and closes that.
func adopt(std syscall.Conn, close func() error) (fd int, err error) {
	defer func() { _ = close() }()
	raw, err := std.SyscallConn()
	if err != nil {
		return -1, err
	}
	cerr := raw.Control(func(f uintptr) {
		fd, err = unix.FcntlInt(f, unix.F_DUPFD_CLOEXEC, 0)
		err = os.NewSyscallError("fcntl", err)
	})
	if cerr != nil {
		return -1, cerr
	}
	return fd, err
}

func (p *Poller) adoptListener(std net.Listener, network string) (*Listener, error) {
	l := &Listener{poller: p, network: network, addr: std.Addr()}
	if u, ok := std.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // when ours closes
		if path := l.addr.String(); path != "" && path[0] != '@' {
			l.d.then = func(int) { _ = unix.Unlink(path) }
		}
	}
	fd, err := adopt(std.(syscall.Conn), std.Close)
	if err != nil {
		if l.d.then != nil {
			l.d.then(fd)
		}
		return nil, l.fail("listen", err)
	}
	if l.tcp() {
		setTCPDefaults(fd) // which connections inherit
	}
	l.d.socket = true
	l.d.r.why = worker.ForAccept
	if err := l.d.open(p, fd, false); err != nil {
		return nil, l.fail("listen", err)
	}
	return l, nil
}

func (l *Listener) tcp() bool { return l.network[0] == 't' }

// accept takes the next connection that has come in. After the last one of a batch the system says so, and only then does the
// listener wait: connections that come in together cost one wait.
//
// prepare, if it is not nil, is called before the connection is registered.
func (l *Listener) accept(ctx context.Context, prepare func(c *Conn)) (*Conn, error) {
	if err := l.d.lockSide(ctx, &l.d.r); err != nil {
		return nil, err
	}
	defer l.d.r.turn.Unlock()
	for {
		var fd int
		var peer unix.Sockaddr
		err := l.d.attempt(ctx, &l.d.r, func(listener int) (err error) {
			fd, peer, err = unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			return err
		})
		switch err {
		case nil:
			l.lost = 0
			c, err := l.conn(fd, peer, prepare)
			if err != nil && !scarce(err) {
				return nil, err
			}
			if err == nil {
				return c, nil
			}
		case unix.ECONNABORTED, unix.EPROTO, unix.ENETDOWN, unix.EHOSTDOWN, unix.EHOSTUNREACH, unix.ENETUNREACH:
			continue // that of one connection, which is gone
		case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
		default:
			return nil, called("accept4", err)
		}
		if err := l.backOff(ctx); err != nil {
			return nil, err
		}
	}
}

// scarce reports whether an error says that the system has no more of something.
func scarce(err error) bool {
	e, _ := err.(*os.SyscallError)
	return e != nil && (e.Err == unix.ENOSPC || e.Err == unix.ENOMEM)
}

// backOff waits until it makes sense to accept again, or the listener is closed or its deadline passes.
func (l *Listener) backOff(ctx context.Context) error {
	s := &l.d.r
	s.word.And(^sideReady)
	var t timer.Timer
	t.Init(func() { s.event(false) })
	t.ResetOn(l.poller.nearest(), l.lost.next())
	defer t.Stop()
	return l.d.await(ctx, s)
}

// conn makes a connection of an accepted descriptor.
func (l *Listener) conn(fd int, peer unix.Sockaddr, prepare func(c *Conn)) (*Conn, error) {
	c := &Conn{network: l.network, local: l.addr, remote: addrOf(peer, l.network)}
	if l.tcp() {
		if a, ok := l.addr.(*net.TCPAddr); ok && a.IP.IsUnspecified() {
			c.local = localAddr(fd, l.network)
		}
	}
	c.d.socket, c.d.atEOF, c.d.stream = true, true, l.tcp()
	if prepare != nil {
		prepare(c)
	}
	if err := c.d.open(l.poller, fd, false); err != nil {
		return nil, err
	}
	return c, nil
}

// Close stops listening. Calls that wait in Accept end with [net.ErrClosed]. Connections that were accepted stay.
func (l *Listener) Close() error { return l.fail("close", l.d.close()) }

// SetDeadline sets until when Accept may wait.
func (l *Listener) SetDeadline(t time.Time) error {
	return l.fail("set", l.d.setDeadline(t, true, true))
}

// SyscallConn gives access to the descriptor.
func (l *Listener) SyscallConn() (syscall.RawConn, error) {
	return rawConn{&l.d, l.fail}, nil
}

// SyscallConn gives access to the descriptor. The functions that the result is given must not close the connection.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	return rawConn{&c.d, c.fail}, nil
}

// setTCPDefaults sets what package net sets for each connection. What fails is left as it is.
func setTCPDefaults(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	_ = setKeepAlivePeriod(fd, keepAlivePeriod)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 9)
}

const keepAlivePeriod = 15 * time.Second
