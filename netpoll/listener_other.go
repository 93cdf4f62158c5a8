//go:build !linux || pinwheel_portable

package netpoll

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// listening is a listener of package net.
type listening struct {
	std    net.Listener
	s      side
	closed atom.Bool
	lost   backoff
}

func (p *Poller) adoptListener(std net.Listener, network string) (*Listener, error) {
	l := &Listener{poller: p, network: network, addr: std.Addr()}
	l.std = std
	l.s.set = func(time.Time) error { return errUnsupported }
	if d, ok := std.(interface{ SetDeadline(t time.Time) error }); ok {
		l.s.set = d.SetDeadline
	}
	if err := p.adopt(l); err != nil {
		_ = std.Close()
		return nil, l.fail("listen", err)
	}
	return l, nil
}

func (l *Listener) orphan() { _ = l.Close() }

// prepare, if it is not nil, is called before anything is read.
func (l *Listener) accept(ctx context.Context, prepare func(c *Conn)) (c *Conn, err error) {
	if err := l.s.turn.Lock(ctx); err != nil {
		return nil, err
	}
	defer l.s.turn.Unlock()
	err = interruptible(ctx, func() error {
		for {
			std, err := l.std.Accept()
			if err == nil {
				l.lost = 0
				c, err = l.poller.connOf(std, l.network, prepare)
				return err
			}
			if !scarce(err) || ctx.Err() != nil {
				return err
			}
			time.Sleep(l.lost.next())
		}
	}, l.s.interrupt, l.s.resume)
	return c, err
}

// scarce reports whether an error says that there are no descriptors left.
func scarce(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// connOf wraps a connection of package net.
func (p *Poller) connOf(std net.Conn, network string, prepare func(c *Conn)) (*Conn, error) {
	c := &Conn{network: network, local: std.LocalAddr(), remote: std.RemoteAddr()}
	_, c.d.atEOF = std.(interface{ CloseWrite() error })
	if prepare != nil {
		prepare(c)
	}
	if err := c.d.open(p, std); err != nil {
		return nil, c.fail("dial", err)
	}
	return c, nil
}

// Close stops listening. Calls that wait in Accept end with [net.ErrClosed]. Connections that were accepted stay.
func (l *Listener) Close() error {
	if !l.closed.Swap(true) {
		l.poller.orphans.remove(l)
	}
	return l.std.Close()
}

// SetDeadline sets until when Accept may wait.
func (l *Listener) SetDeadline(t time.Time) error { return l.fail("set", l.s.setDeadline(t)) }

// SyscallConn gives access to the descriptor.
func (l *Listener) SyscallConn() (syscall.RawConn, error) {
	if s, ok := l.std.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, errUnsupported
}

// connect connects to one address: a, or for Unix sockets the path.
func (p *Poller) connect(ctx context.Context, network string, a netip.AddrPort, path string) (c *Conn, err error) {
	address := path
	if path == "" {
		address = a.String()
		if !a.IsValid() { // this machine
			address = net.JoinHostPort("", strconv.Itoa(int(a.Port())))
		}
	}
	aside(ctx, func() {
		var std net.Conn
		var d net.Dialer
		if std, err = d.DialContext(ctx, network, address); err == nil {
			c, err = p.connOf(std, network, nil)
		}
		var op *net.OpError
		if errors.As(err, &op) && errors.Is(op.Err, os.ErrDeadlineExceeded) {
			op.Err = context.DeadlineExceeded // the only deadline is ctx's, whose timer may be a little later than the poller's
		}
	})
	return c, err
}
