package netpoll

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// A Conn is a connection: TCP, UDP that was dialed, a Unix socket, or the end of a pipe. It is a [net.Conn]. Its methods may be
// called at the same time.
//
// A call that has to wait suspends the calling task, or blocks the calling goroutine if that is not a task's. It ends when the
// connection is closed ([net.ErrClosed]), or when its deadline passes ([os.ErrDeadlineExceeded]), and under [Conn.With] when
// the context is done. As in package net, errors are [*net.OpError], and [io.EOF] is the end.
//
// What was written on one side happens before it is read on the other. While a connection waits, it has no buffer.
type Conn struct {
	d       desc
	network string
	local   net.Addr
	remote  net.Addr
	ended   atomic.Bool // a read has found the end, or failed: there is nothing more to come
}

// With returns the connection as a [net.Conn] whose calls also end when ctx is done, with ctx's error. It costs one allocation.
// It shares everything with c, deadlines included.
func (c *Conn) With(ctx context.Context) *View { return &View{c, ctx} }

// A View is a [Conn] under a context.
type View struct {
	*Conn
	ctx context.Context
}

var (
	_ net.Conn      = (*Conn)(nil)
	_ net.Conn      = (*View)(nil)
	_ io.ReaderFrom = (*View)(nil)
	_ io.WriterTo   = (*View)(nil)
	_ syscall.Conn  = (*Conn)(nil)
)

// forever is the context of calls that are given none.
var forever = context.Background()

// Read reads what is there into b, and waits until there is something.
//
// It costs what the system call costs; if the connection is known to be drained, it waits without one.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.d.read(forever, b)
	return n, c.failRead("read", err)
}

// Read is [Conn.Read] under the context.
func (v *View) Read(b []byte) (int, error) {
	n, err := v.d.read(v.ctx, b)
	return n, v.failRead("read", err)
}

// Write writes all of b, and waits until the system has taken it.
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.d.write(forever, b)
	return n, c.fail("write", err)
}

// Write is [Conn.Write] under the context.
func (v *View) Write(b []byte) (int, error) {
	n, err := v.d.write(v.ctx, b)
	return n, v.fail("write", err)
}

// Readv reads into the buffers, one after the other, what one system call gives. It waits until there is something.
func (c *Conn) Readv(bufs ...[]byte) (int64, error) { return c.readv(forever, bufs) }

// Readv is [Conn.Readv] under the context.
func (v *View) Readv(bufs ...[]byte) (int64, error) { return v.readv(v.ctx, bufs) }

func (c *Conn) readv(ctx context.Context, bufs [][]byte) (int64, error) {
	n, err := c.d.readBuffers(ctx, bufs)
	return n, c.failRead("read", err)
}

// Writev writes all buffers, up to 64 with each system call. [net.Buffers] can be passed with three dots.
func (c *Conn) Writev(bufs ...[]byte) (int64, error) { return c.writev(forever, bufs) }

// Writev is [Conn.Writev] under the context.
func (v *View) Writev(bufs ...[]byte) (int64, error) { return v.writev(v.ctx, bufs) }

func (c *Conn) writev(ctx context.Context, bufs [][]byte) (int64, error) {
	n, err := c.d.writeBuffers(ctx, bufs)
	return n, c.fail("write", err)
}

// ReadFrom writes to c what it reads from r, until the end of r or an error. It implements [io.ReaderFrom], so that [io.Copy] uses it.
// What comes from another connection of this package, or from a file, need not pass through the program (splice, sendfile). It holds
// no buffer while it waits.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) { return c.readFrom(forever, r) }

// ReadFrom is [Conn.ReadFrom] under the context.
func (v *View) ReadFrom(r io.Reader) (int64, error) { return v.readFrom(v.ctx, r) }

// WriteTo writes to w what it reads from c, until the end of c or an error. It implements [io.WriterTo]. See [Conn.ReadFrom].
func (c *Conn) WriteTo(w io.Writer) (int64, error) { return c.writeTo(forever, w) }

// WriteTo is [Conn.WriteTo] under the context.
func (v *View) WriteTo(w io.Writer) (int64, error) { return v.writeTo(v.ctx, w) }

// Close closes the connection. Calls that wait for it end with [net.ErrClosed]. What was written before is sent by the system.
func (c *Conn) Close() error { return c.fail("close", c.d.close()) }

// CloseRead shuts down the reading side: reading gives [io.EOF].
func (c *Conn) CloseRead() error { return c.fail("close", c.d.closeRead()) }

// CloseWrite shuts down the writing side: the peer reads what was written, and then [io.EOF].
func (c *Conn) CloseWrite() error { return c.fail("close", c.d.closeWrite()) }

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets until when reading and writing may wait: calls that wait after t, those that wait already included, end with
// [os.ErrDeadlineExceeded]. A t that is past ends waits at once; the zero time means no deadline. It costs some 100 ns, and 400
// bytes for a connection that has had no deadline before.
func (c *Conn) SetDeadline(t time.Time) error { return c.failSet(c.d.setDeadline(t, true, true)) }

// SetReadDeadline is [Conn.SetDeadline] for reading alone.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.failSet(c.d.setDeadline(t, true, false))
}

// SetWriteDeadline is [Conn.SetDeadline] for writing alone.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.failSet(c.d.setDeadline(t, false, true))
}

// SetNoDelay says whether small packets are sent at once, as they are by default, or collected (Nagle's algorithm). It is for TCP.
func (c *Conn) SetNoDelay(on bool) error { return c.fail("set", c.d.setNoDelay(on)) }

// SetKeepAlive says whether the system probes an idle connection, which it does by default. It is for TCP.
func (c *Conn) SetKeepAlive(on bool) error { return c.fail("set", c.d.setKeepAlive(on)) }

// SetKeepAlivePeriod sets after how long, and then how often, it does. The default is 15 s. It is for TCP.
func (c *Conn) SetKeepAlivePeriod(period time.Duration) error {
	return c.fail("set", c.d.setKeepAlivePeriod(period))
}

// SetLinger sets what Close does with data that is not yet sent: by default, or if seconds is negative, it is sent in the
// background; with 0 it is discarded and the connection reset. It is for TCP.
func (c *Conn) SetLinger(seconds int) error { return c.fail("set", c.d.setLinger(seconds)) }

// SetReadBuffer sets the size of the system's receive buffer.
func (c *Conn) SetReadBuffer(bytes int) error { return c.failSet(c.d.setReadBuffer(bytes)) }

// SetWriteBuffer sets the size of the system's send buffer.
func (c *Conn) SetWriteBuffer(bytes int) error { return c.failSet(c.d.setWriteBuffer(bytes)) }

// fail makes an error what package net would return.
func (c *Conn) fail(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	var done *net.OpError
	if errors.As(err, &done) {
		return err
	}
	return &net.OpError{Op: op, Net: c.network, Source: c.local, Addr: c.remote, Err: err}
}

// failRead is fail for what a read ends with. It notes whether later ones can only end so as well, as they can if the system says it; a
// deadline can be set again, and a context is the caller's.
func (c *Conn) failRead(op string, err error) error {
	if err == nil {
		return nil
	}
	var failed *os.SyscallError
	if err == io.EOF || errors.As(err, &failed) {
		c.ended.Store(true)
	}
	return c.fail(op, err)
}

// failSet is fail for what has to do with this end alone.
func (c *Conn) failSet(err error) error {
	if _, ok := err.(*net.OpError); ok || err == nil {
		return err
	}
	return &net.OpError{Op: "set", Net: c.network, Addr: c.local, Err: err}
}
