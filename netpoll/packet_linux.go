//go:build linux && !pinwheel_portable

package netpoll

import (
	"context"
	"math"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// packets is a datagram socket, which package net makes as it does listeners.
type packets struct {
	d      desc
	family int
}

func (p *Poller) adoptPackets(std net.PacketConn, network string) (*PacketConn, error) {
	c := &PacketConn{network: network, addr: std.LocalAddr()}
	c.d.socket = true
	fd, err := adopt(std.(syscall.Conn), std.Close)
	if err != nil {
		return nil, c.fail("listen", nil, err)
	}
	c.family = unix.AF_UNIX
	if sa, err := unix.Getsockname(fd); err == nil {
		switch sa.(type) {
		case *unix.SockaddrInet4:
			c.family = unix.AF_INET
		case *unix.SockaddrInet6:
			c.family = unix.AF_INET6
		}
	}
	if err := c.d.open(p, fd, false); err != nil {
		return nil, c.fail("listen", nil, err)
	}
	return c, nil
}

// SyscallConn gives access to the descriptor.
func (c *PacketConn) SyscallConn() (syscall.RawConn, error) {
	return rawConn{&c.d, func(op string, err error) error { return c.fail(op, nil, err) }}, nil
}

func (c *PacketConn) receive(ctx context.Context, b []byte) (n int, addr net.Addr, err error) {
	if err := c.d.lockSide(ctx, &c.d.r); err != nil {
		return 0, nil, err
	}
	defer c.d.r.turn.Unlock()
	var from unix.Sockaddr
	err = c.d.attempt(ctx, &c.d.r, func(fd int) (err error) {
		n, from, err = unix.Recvfrom(fd, b, 0)
		return err
	})
	if err != nil {
		return 0, nil, called("recvfrom", err)
	}
	c.d.spend(ctx, &c.d.r, n)
	if from == nil { // a Unix socket without a name
		return n, nil, nil
	}
	return n, unmapped(addrOf(from, c.network)), nil
}

func (c *PacketConn) send(ctx context.Context, b []byte, addr net.Addr) error {
	to, err := c.sockaddr(addr)
	if err != nil {
		return err
	}
	if err := c.d.lockSide(ctx, &c.d.w); err != nil {
		return err
	}
	defer c.d.w.turn.Unlock()
	err = c.d.attempt(ctx, &c.d.w, func(fd int) error { return unix.Sendto(fd, b, 0, to) })
	if err != nil {
		return called("sendto", err)
	}
	c.d.spend(ctx, &c.d.w, len(b))
	return nil
}

// sockaddr returns an address as the kernel wants it, or the error that package net has for one that will not do.
func (c *PacketConn) sockaddr(addr net.Addr) (unix.Sockaddr, error) {
	switch a := addr.(type) {
	case *net.UDPAddr:
		switch {
		case c.family == unix.AF_UNIX:
		case a == nil:
			return nil, errMissingAddress
		case uint(a.Port) > math.MaxUint16:
			return nil, os.NewSyscallError("sendto", unix.EINVAL)
		default:
			to := a.AddrPort()
			if len(a.IP) == 0 { // this machine
				to = netip.AddrPortFrom(unspecified(c.family), to.Port())
			}
			switch ip := to.Addr(); {
			case c.family == unix.AF_INET && !ip.Unmap().Is4():
				return nil, &net.AddrError{Err: "non-IPv4 address", Addr: a.IP.String()}
			case !ip.IsValid():
				return nil, &net.AddrError{Err: "non-IPv6 address", Addr: a.IP.String()}
			}
			return sockaddrOf(local(c.network, to), c.family), nil
		}
	case *net.UnixAddr:
		switch {
		case c.family != unix.AF_UNIX:
		case a == nil:
			return nil, errMissingAddress
		case a.Net != c.network:
			return nil, unix.EAFNOSUPPORT
		case len(a.Name) >= len(unix.RawSockaddrUnix{}.Path):
			return nil, os.NewSyscallError("sendto", unix.EINVAL)
		default:
			return &unix.SockaddrUnix{Name: a.Name}, nil
		}
	}
	return nil, unix.EINVAL
}

func unspecified(family int) netip.Addr {
	if family == unix.AF_INET {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// unmapped turns an IPv4 address that a socket for both families shows as one of IPv6 into what it is.
func unmapped(addr net.Addr) net.Addr {
	if u, ok := addr.(*net.UDPAddr); ok {
		if ip4 := u.IP.To4(); ip4 != nil {
			u.IP = ip4
		}
	}
	return addr
}

// A batch is the argument of recvmmsg and sendmmsg.
type batch struct {
	headers [batchSize]mmsghdr
	vectors [batchSize]unix.Iovec
	names   [batchSize]unix.RawSockaddrAny
}

const batchSize = 64

var batches = sync.Pool{New: func() any { return new(batch) }}

type mmsghdr struct {
	unix.Msghdr
	length uint32
}

// point makes header i refer to a message.
func (t *batch) point(i int, data []byte) {
	h := &t.headers[i]
	*h = mmsghdr{}
	t.vectors[i] = unix.Iovec{Base: unsafe.SliceData(data)}
	t.vectors[i].SetLen(len(data))
	h.Iov = &t.vectors[i]
	h.SetIovlen(1)
	t.names[i].Addr.Family = unix.AF_UNSPEC // which it stays if there is no name
	h.Name = (*byte)(unsafe.Pointer(&t.names[i]))
	h.Namelen = unix.SizeofSockaddrAny
}

func (t *batch) call(trap uintptr, fd, n int) (int, error) {
	m, _, errno := syscall.Syscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(&t.headers)), uintptr(n), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(m), nil
}

func (c *PacketConn) receiveAll(ctx context.Context, ms []Message) (n int, err error) {
	if err := c.d.lockSide(ctx, &c.d.r); err != nil {
		return 0, err
	}
	defer c.d.r.turn.Unlock()
	if len(ms) == 0 {
		return c.d.readNow(nil)
	}
	ms = ms[:min(len(ms), batchSize)]
	if err := c.d.await(ctx, &c.d.r); err != nil { // without the batch
		return 0, err
	}
	t := batches.Get().(*batch)
	defer batches.Put(t)
	defer clear(t.vectors[:])
	err = c.d.attempt(ctx, &c.d.r, func(fd int) (err error) {
		for i := range ms {
			t.point(i, ms[i].Data)
		}
		n, err = t.call(unix.SYS_RECVMMSG, fd, len(ms))
		return err
	})
	if err != nil {
		return 0, called("recvmmsg", err)
	}
	bytes := 0
	for i := range n {
		ms[i].N = int(t.headers[i].length)
		ms[i].Addr = c.addrOf(&t.names[i], t.headers[i].Namelen)
		bytes += ms[i].N
	}
	if n < len(ms) {
		c.d.r.short()
	}
	c.d.spend(ctx, &c.d.r, bytes)
	return n, nil
}

func (c *PacketConn) sendAll(ctx context.Context, ms []Message) (n int, err error) {
	if err := c.d.lockSide(ctx, &c.d.w); err != nil {
		return 0, err
	}
	defer c.d.w.turn.Unlock()
	if err := c.d.w.look(); err != nil { // also if there is nothing to send
		return 0, err
	}
	t := batches.Get().(*batch)
	defer batches.Put(t)
	defer clear(t.vectors[:])
	for n < len(ms) {
		part := ms[n:min(len(ms), n+batchSize)]
		for i := range part {
			to, err := c.sockaddr(part[i].Addr)
			if err != nil {
				if i == 0 {
					return n, err
				}
				part = part[:i] // send those before it
				break
			}
			t.point(i, part[i].Data)
			t.headers[i].Namelen = putSockaddr(&t.names[i], to)
		}
		var m, bytes int
		err := c.d.attempt(ctx, &c.d.w, func(fd int) (err error) {
			m, err = t.call(unix.SYS_SENDMMSG, fd, len(part))
			return err
		})
		if err != nil {
			return n, called("sendmmsg", err)
		}
		for i := range m {
			bytes += len(part[i].Data)
		}
		n += m
		c.d.spend(ctx, &c.d.w, bytes)
	}
	return n, nil
}

// addrOf reads an address that the kernel has written. It is nil if there is none, as that of a Unix socket without a name.
func (c *PacketConn) addrOf(name *unix.RawSockaddrAny, length uint32) net.Addr {
	switch name.Addr.Family {
	case unix.AF_INET:
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), ntohs(sa.Port)))
	case unix.AF_INET6:
		sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(name))
		ip := netip.AddrFrom16(sa.Addr).Unmap()
		if ip.Is6() {
			ip = ip.WithZone(zoneOf(sa.Scope_id))
		}
		return net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, ntohs(sa.Port)))
	}
	sa := (*unix.RawSockaddrUnix)(unsafe.Pointer(name))
	path := make([]byte, 0, len(sa.Path))
	for i := range int(length) - int(unsafe.Offsetof(sa.Path)) {
		ch := byte(sa.Path[i])
		if ch == 0 && i > 0 {
			break
		}
		if ch == 0 {
			ch = '@' // abstract
		}
		path = append(path, ch)
	}
	if len(path) == 0 {
		return nil
	}
	return &net.UnixAddr{Name: string(path), Net: c.network}
}

// putSockaddr writes an address for the kernel, and returns its length.
func putSockaddr(name *unix.RawSockaddrAny, sa unix.Sockaddr) uint32 {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		raw := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		*raw = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: ntohs(uint16(sa.Port)), Addr: sa.Addr}
		return unix.SizeofSockaddrInet4
	case *unix.SockaddrInet6:
		raw := (*unix.RawSockaddrInet6)(unsafe.Pointer(name))
		*raw = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: ntohs(uint16(sa.Port)), Addr: sa.Addr, Scope_id: sa.ZoneId}
		return unix.SizeofSockaddrInet6
	}
	raw := (*unix.RawSockaddrUnix)(unsafe.Pointer(name))
	*raw = unix.RawSockaddrUnix{Family: unix.AF_UNIX}
	path := sa.(*unix.SockaddrUnix).Name
	for i := range len(path) {
		raw.Path[i] = int8(path[i])
	}
	length := uint32(unsafe.Offsetof(raw.Path)) + uint32(len(path))
	switch {
	case path == "" || path[0] == 0 && len(path) > 1:
		return length
	case path[0] == '@':
		raw.Path[0] = 0 // an abstract name has no byte at its end
		return length
	}
	return length + 1
}

// ntohs turns a number in the order of the network into one of this machine, and back.
func ntohs(n uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&n))
	return uint16(b[0])<<8 | uint16(b[1])
}
