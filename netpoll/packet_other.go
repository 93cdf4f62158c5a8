//go:build !linux || pinwheel_portable

package netpoll

import (
	"context"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// packets is a datagram socket of package net.
type packets struct{ d packetDesc }

type packetDesc struct {
	std    net.PacketConn
	poller *Poller
	closed atom.Bool
	r, w   side
}

func (p *Poller) adoptPackets(std net.PacketConn, network string) (*PacketConn, error) {
	c := &PacketConn{network: network, addr: std.LocalAddr()}
	c.d.std, c.d.poller = std, p
	c.d.r.set, c.d.w.set = std.SetReadDeadline, std.SetWriteDeadline
	if err := p.adopt(&c.d); err != nil {
		_ = std.Close()
		return nil, c.fail("listen", nil, err)
	}
	return c, nil
}

func (d *packetDesc) orphan() { _ = d.close() }

func (d *packetDesc) close() error {
	if d.closed.Swap(true) {
		return net.ErrClosed
	}
	d.poller.orphans.remove(d)
	return d.std.Close()
}

func (d *packetDesc) setDeadline(t time.Time, read, write bool) error {
	var err error
	if read {
		err = d.r.setDeadline(t)
	}
	if write && err == nil {
		err = d.w.setDeadline(t)
	}
	return err
}

func (d *packetDesc) setReadBuffer(bytes int) error {
	return d.std.(interface{ SetReadBuffer(bytes int) error }).SetReadBuffer(bytes)
}

func (d *packetDesc) setWriteBuffer(bytes int) error {
	return d.std.(interface{ SetWriteBuffer(bytes int) error }).SetWriteBuffer(bytes)
}

// SyscallConn gives access to the descriptor.
func (c *PacketConn) SyscallConn() (syscall.RawConn, error) {
	return c.d.std.(syscall.Conn).SyscallConn()
}

func (c *PacketConn) call(ctx context.Context, s *side, fn func() error) error {
	if err := s.turn.Lock(ctx); err != nil {
		return err
	}
	defer s.turn.Unlock()
	return interruptible(ctx, fn, s.interrupt, s.resume)
}

func (c *PacketConn) receive(ctx context.Context, b []byte) (n int, addr net.Addr, err error) {
	err = c.call(ctx, &c.d.r, func() (err error) {
		n, addr, err = c.d.std.ReadFrom(b)
		return err
	})
	return n, addr, err
}

func (c *PacketConn) send(ctx context.Context, b []byte, addr net.Addr) error {
	return c.call(ctx, &c.d.w, func() error {
		_, err := c.d.std.WriteTo(b, addr)
		return err
	})
}

func (c *PacketConn) receiveAll(ctx context.Context, ms []Message) (n int, err error) {
	if len(ms) == 0 {
		if c.d.closed.Load() {
			return 0, net.ErrClosed
		}
		return 0, nil
	}
	ms[0].N, ms[0].Addr, err = c.receive(ctx, ms[0].Data)
	if err != nil {
		return 0, err
	}
	return 1, nil
}

func (c *PacketConn) sendAll(ctx context.Context, ms []Message) (n int, err error) {
	if len(ms) == 0 {
		switch {
		case c.d.closed.Load():
			return 0, net.ErrClosed
		case c.d.w.expired():
			return 0, os.ErrDeadlineExceeded
		}
	}
	for n < len(ms) {
		if err := c.send(ctx, ms[n].Data, ms[n].Addr); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
