package netpoll

import (
	"context"
	"net"
	"time"
)

// A PacketConn is a datagram socket: UDP, or a Unix datagram socket. It is a [net.PacketConn]. Its methods may be called at the same
// time, and wait as those of a [Conn] do.
type PacketConn struct {
	packets
	network string
	addr    net.Addr
}

// With returns the socket as a [net.PacketConn] whose calls also end when ctx is done, with ctx's error.
func (c *PacketConn) With(ctx context.Context) *PacketView { return &PacketView{c, ctx} }

// A PacketView is a [PacketConn] under a context.
type PacketView struct {
	*PacketConn
	ctx context.Context
}

var (
	_ net.PacketConn = (*PacketConn)(nil)
	_ net.PacketConn = (*PacketView)(nil)
)

// A Message is a datagram.
type Message struct {
	Data []byte   // where to read it to, or what to write
	N    int      // how many bytes were read
	Addr net.Addr // whom it is from, or for. As in package net, that of a Unix socket without a name is nil
}

// ListenPacket announces on a local address, as [net.ListenPacket] does, for the networks "udp", "udp4", "udp6" and "unixgram".
// Names are resolved off the workers; ctx ends that.
func (p *Poller) ListenPacket(ctx context.Context, network, address string) (*PacketConn, error) {
	switch network {
	case "udp", "udp4", "udp6", "unixgram":
	default:
		return nil, &net.OpError{Op: "listen", Net: network, Err: net.UnknownNetworkError(network)}
	}
	if err := p.start(); err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	var std net.PacketConn
	var err error
	aside(ctx, func() {
		var c net.ListenConfig
		std, err = c.ListenPacket(ctx, network, address)
	})
	if err != nil {
		return nil, err
	}
	return p.adoptPackets(std, network)
}

// ReadFrom waits for a datagram, reads it into b, which cuts it off at the end, and returns its length and whom it is from.
func (c *PacketConn) ReadFrom(b []byte) (int, net.Addr, error) { return c.readFrom(forever, b) }

// ReadFrom is [PacketConn.ReadFrom] under the context.
func (v *PacketView) ReadFrom(b []byte) (int, net.Addr, error) { return v.readFrom(v.ctx, b) }

func (c *PacketConn) readFrom(ctx context.Context, b []byte) (int, net.Addr, error) {
	n, addr, err := c.receive(ctx, b)
	return n, addr, c.fail("read", nil, err)
}

// WriteTo sends b as a datagram.
func (c *PacketConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	return c.writeTo(forever, b, addr)
}

// WriteTo is [PacketConn.WriteTo] under the context.
func (v *PacketView) WriteTo(b []byte, addr net.Addr) (int, error) { return v.writeTo(v.ctx, b, addr) }

func (c *PacketConn) writeTo(ctx context.Context, b []byte, addr net.Addr) (int, error) {
	err := c.send(ctx, b, addr)
	if err != nil {
		return 0, c.fail("write", addr, err)
	}
	return len(b), nil
}

// ReadBatch waits for a datagram, and reads as many as have arrived, up to the length of ms, with few system calls. It returns
// how many it has read: at least one, unless there is an error or ms is empty.
func (c *PacketConn) ReadBatch(ms []Message) (int, error) { return c.readBatch(forever, ms) }

// ReadBatch is [PacketConn.ReadBatch] under the context.
func (v *PacketView) ReadBatch(ms []Message) (int, error) { return v.readBatch(v.ctx, ms) }

func (c *PacketConn) readBatch(ctx context.Context, ms []Message) (int, error) {
	n, err := c.receiveAll(ctx, ms)
	return n, c.fail("read", nil, err)
}

// WriteBatch sends all datagrams, up to 64 with each system call. It returns how many it has sent.
func (c *PacketConn) WriteBatch(ms []Message) (int, error) { return c.writeBatch(forever, ms) }

// WriteBatch is [PacketConn.WriteBatch] under the context.
func (v *PacketView) WriteBatch(ms []Message) (int, error) { return v.writeBatch(v.ctx, ms) }

func (c *PacketConn) writeBatch(ctx context.Context, ms []Message) (int, error) {
	n, err := c.sendAll(ctx, ms)
	if err != nil {
		var to net.Addr
		if n < len(ms) {
			to = ms[n].Addr
		}
		return n, c.fail("write", to, err)
	}
	return n, nil
}

// Close closes the socket. Calls that wait for it end with [net.ErrClosed].
func (c *PacketConn) Close() error { return c.fail("close", nil, c.d.close()) }

// LocalAddr returns the address of the socket.
func (c *PacketConn) LocalAddr() net.Addr { return c.addr }

// SetDeadline sets until when reading and writing may wait: see [Conn.SetDeadline].
func (c *PacketConn) SetDeadline(t time.Time) error {
	return c.failSet(c.d.setDeadline(t, true, true))
}

// SetReadDeadline is SetDeadline for reading alone.
func (c *PacketConn) SetReadDeadline(t time.Time) error {
	return c.failSet(c.d.setDeadline(t, true, false))
}

// SetWriteDeadline is SetDeadline for writing alone.
func (c *PacketConn) SetWriteDeadline(t time.Time) error {
	return c.failSet(c.d.setDeadline(t, false, true))
}

// SetReadBuffer sets the size of the system's receive buffer.
func (c *PacketConn) SetReadBuffer(bytes int) error {
	return c.failSet(c.d.setReadBuffer(bytes))
}

// SetWriteBuffer sets the size of the system's send buffer.
func (c *PacketConn) SetWriteBuffer(bytes int) error {
	return c.failSet(c.d.setWriteBuffer(bytes))
}

// fail makes an error what package net would return.
func (c *PacketConn) fail(op string, to net.Addr, err error) error {
	if _, ok := err.(*net.OpError); ok || err == nil {
		return err
	}
	if err == errMissingAddress {
		to = nil
	}
	return &net.OpError{Op: op, Net: c.network, Source: c.addr, Addr: to, Err: err}
}

// failSet is fail for what has to do with the socket alone.
func (c *PacketConn) failSet(err error) error {
	if _, ok := err.(*net.OpError); ok || err == nil {
		return err
	}
	return &net.OpError{Op: "set", Net: c.network, Addr: c.addr, Err: err}
}
