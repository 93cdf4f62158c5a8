//go:build linux && !pinwheel_portable

package netpoll

import (
	"context"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// connect connects to one address: a, or for Unix sockets the path.
func (p *Poller) connect(ctx context.Context, network string, a netip.AddrPort, path string) (*Conn, error) {
	for tries := 0; ; tries++ {
		c, err := p.connectOnce(ctx, network, a, path)
		if err != nil || tries == 2 || !c.toItself() {
			return c, err
		}
		// TCP lets a port connect to itself if nobody else has it, by chance. Nobody wants that.
		_ = c.Close()
	}
}

func (c *Conn) toItself() bool {
	l, _ := c.local.(*net.TCPAddr)
	r, _ := c.remote.(*net.TCPAddr)
	return l != nil && r != nil && l.Port == r.Port && l.IP.Equal(r.IP)
}

func (p *Poller) connectOnce(ctx context.Context, network string, a netip.AddrPort, path string) (*Conn, error) {
	var sa unix.Sockaddr
	var domain, kind int
	c := &Conn{network: network}
	switch network[0:2] {
	case "un":
		domain, kind, sa = unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: path}
		c.remote = &net.UnixAddr{Name: path, Net: network}
		switch network {
		case "unixgram":
			kind = unix.SOCK_DGRAM
		case "unixpacket":
			kind = unix.SOCK_SEQPACKET
		}
	default:
		domain, kind = unix.AF_INET6, unix.SOCK_STREAM
		to := local(network, a)
		if to.Addr().Is4() {
			domain = unix.AF_INET
		}
		sa = sockaddrOf(to, domain)
		c.remote = net.TCPAddrFromAddrPort(a)
		if network[0] == 'u' {
			kind = unix.SOCK_DGRAM
			c.remote = net.UDPAddrFromAddrPort(a)
		}
	}
	fd, err := unix.Socket(domain, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, c.fail("dial", called("socket", err))
	}
	switch {
	case network[0] == 't':
		setTCPDefaults(fd)
	case domain != unix.AF_UNIX:
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1) // as package net
	}
	c.d.socket = true
	c.d.atEOF = kind != unix.SOCK_DGRAM
	c.d.stream = network[0] == 't' // a read of a Unix socket stops at a message, or at a descriptor that was passed
	switch err := unix.Connect(fd, sa); err {
	case nil:
		err = c.d.open(p, fd, false)
		if err != nil {
			return nil, c.fail("dial", err)
		}
	case unix.EINPROGRESS, unix.EALREADY, unix.EINTR:
		if err := c.d.open(p, fd, true); err != nil {
			return nil, c.fail("dial", err)
		}
		if err := c.connected(ctx); err != nil {
			_ = c.d.close()
			return nil, c.fail("dial", err)
		}
		c.d.w.why = worker.ForWrite
	default:
		_ = unix.Close(fd)
		return nil, c.fail("dial", called("connect", err))
	}
	err = c.d.control("", func(fd int) error {
		c.local = localAddr(fd, network)
		if r := remoteAddr(fd, network); r != nil && domain != unix.AF_UNIX {
			c.remote = r
		}
		return nil
	})
	if err != nil { // the poller has been closed meanwhile
		return nil, c.fail("dial", err)
	}
	return c, nil
}

// connected waits until the connection has been made or refused.
func (c *Conn) connected(ctx context.Context) error {
	err := c.d.attempt(ctx, &c.d.w, func(fd int) error {
		code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err != nil {
			return err
		}
		switch errno := unix.Errno(code); errno {
		case 0:
			if _, err := unix.Getpeername(fd); err != nil {
				return unix.EAGAIN
			}
			return nil
		case unix.EISCONN:
			return nil
		case unix.EINPROGRESS, unix.EALREADY, unix.EINTR:
			return unix.EAGAIN
		default:
			return errno
		}
	})
	return called("connect", err)
}

// local replaces what stands for this machine, an invalid or unspecified address, by one that can be connected to.
func local(network string, a netip.AddrPort) netip.AddrPort {
	switch ip := a.Addr().Unmap(); {
	case ip.IsValid() && !ip.IsUnspecified():
		return netip.AddrPortFrom(ip, a.Port())
	case ip.Is6(), !ip.IsValid() && version(network) == '6':
		return netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
	default:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	}
}
