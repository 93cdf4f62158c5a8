//go:build !linux || pinwheel_portable

package netpoll

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/lock"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A desc is a connection of package net. A goroutine that calls it calls package net; for a task, another goroutine does so while
// the task is suspended.
type desc struct {
	std    net.Conn
	poller *Poller
	closed atom.Bool
	r, w   side
	atEOF  bool
	scope  context.Context // as on Linux

	// What awaitReading has read, for the next to read. Guarded by the turn of r.
	ahead   []byte
	lost    error // what ended it
	arrived atom.Bool
	looking atom.Bool // a goroutine of tryRead's awaits something
	watcher hook
}

// A hook is told that there is something to read, or that there will not be.
type hook interface{ rouse() }

// A side is reading or writing.
type side struct {
	turn lock.Mutex
	set  func(t time.Time) error

	mu          sync.Mutex
	deadline    time.Time // the user's
	number      uint32    // counts deadlines
	passed      uint32    // the number of one that has passed while something was awaited, or 0
	interrupted bool      // the deadline is not in force now
}

func (d *desc) open(p *Poller, std net.Conn) error {
	d.std, d.poller = std, p
	d.r.set, d.w.set = std.SetReadDeadline, std.SetWriteDeadline
	if err := p.adopt(d); err != nil {
		d.closed.Store(true)
		_ = std.Close()
		return err
	}
	return nil
}

// adopt enters what has to be closed with the poller.
func (p *Poller) adopt(o orphan) error {
	if err := p.start(); err != nil {
		return err
	}
	return p.orphans.add(o)
}

func (d *desc) orphan() { _ = d.close() }

func (d *desc) close() error {
	if d.closed.Swap(true) {
		return net.ErrClosed
	}
	d.poller.orphans.remove(d)
	err := d.std.Close()
	if d.watcher != nil {
		d.watcher.rouse()
	}
	return err
}

// watch sets what is called when there is something to read. It is set before the connection is opened.
func (d *desc) watch(h hook) { d.watcher = h }

func (d *desc) hook() hook { return d.watcher }

// arm has the hook called once for what there is to read from now on.
func (d *desc) arm() {
	go func() {
		d.lookAhead()
		d.watcher.rouse()
	}()
}

// isReadable reports whether reading may have something to say.
func (d *desc) isReadable() bool { return d.arrived.Load() || d.lapsed() != 0 || d.closed.Load() }

// lapsed returns 0, or if the deadline of reading has passed a number that tells it from one that is set later.
func (d *desc) lapsed() uint32 {
	d.r.mu.Lock()
	defer d.r.mu.Unlock()
	return d.r.passed
}

func (d *desc) isClosed() bool { return d.closed.Load() }

func (d *desc) ifClosed() error {
	if d.isClosed() {
		return net.ErrClosed
	}
	return nil
}

// discard closes the connection and does not wait.
func (d *desc) discard() { _ = d.close() }

// call calls fn, which reads or writes. If ctx is done first, fn is interrupted by a deadline.
func (d *desc) call(ctx context.Context, s *side, fn func() error) error {
	if d.scope != nil {
		if t, ok := ctx.(*worker.Task); ok && t.Parent() == d.scope {
			ctx = context.Background()
		}
	}
	if err := s.turn.Lock(ctx); err != nil {
		return err
	}
	defer s.turn.Unlock()
	return interruptible(ctx, fn, s.interrupt, s.resume)
}

// interruptible calls fn off the workers and waits for it. If ctx is done first it calls interrupt, which must make fn return with a
// deadline that has passed, and resume afterwards.
func interruptible(ctx context.Context, fn func() error, interrupt, resume func()) error {
	if ctx.Done() == nil && worker.Here(ctx) == nil {
		return fn()
	}
	var over, late worker.Waiter
	over.Init(ctx)
	late.Init(ctx)
	var err error
	go func() {
		err = fn()
		if !over.Wake() {
			late.Wake()
		}
	}()
	cancelled := over.Wait(ctx)
	if cancelled == nil {
		return err
	}
	interrupt()
	late.WaitFirmly()
	resume()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return cancelled
	}
	return err
}

func (s *side) interrupt() {
	s.mu.Lock()
	s.interrupted = true
	_ = s.set(time.Unix(1, 0))
	s.mu.Unlock()
}

func (s *side) resume() {
	s.mu.Lock()
	s.interrupted = false
	_ = s.set(s.deadline)
	s.mu.Unlock()
}

// current returns the number of the deadline.
func (s *side) current() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.number
}

// expired reports whether the deadline has passed.
func (s *side) expired() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.deadline.IsZero() && !time.Now().Before(s.deadline)
}

// lapse says that a deadline has passed. It reports false if another has been set meanwhile.
func (s *side) lapse(number uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.number != number {
		return false
	}
	s.passed = number
	return true
}

func (s *side) setDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline, s.passed = t, 0
	s.number++
	if s.interrupted {
		return nil
	}
	return s.set(t)
}

func (d *desc) setDeadline(t time.Time, read, write bool) error {
	var err error
	if read {
		err = d.r.setDeadline(t)
	}
	if write && err == nil {
		err = d.w.setDeadline(t)
	}
	return err
}

func (d *desc) read(ctx context.Context, b []byte) (n int, err error) {
	err = d.call(ctx, &d.r, func() error {
		if n, err = d.takeAhead(b); n > 0 || err != nil {
			return err
		}
		n, err = d.std.Read(b)
		return err
	})
	return n, err
}

// takeAhead reads what has been read ahead, with the turn of r.
func (d *desc) takeAhead(b []byte) (n int, err error) {
	if n = copy(b, d.ahead); n > 0 {
		if d.ahead = d.ahead[n:]; len(d.ahead) == 0 {
			d.ahead = nil
			d.arrived.Store(d.lost != nil)
		}
		return n, nil
	}
	if len(b) == 0 {
		return 0, nil
	}
	if err, d.lost = d.lost, nil; err != nil {
		d.arrived.Store(false)
	}
	return 0, err
}

// readAhead is how much is read ahead of whoever only wants to know whether there is something.
const readAhead = 512

func (d *desc) awaitReading(ctx context.Context) error {
	return d.call(ctx, &d.r, func() error {
		if len(d.ahead) > 0 || d.lost != nil {
			return nil
		}
		b := make([]byte, readAhead)
		n, err := d.std.Read(b)
		if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		d.ahead, d.lost = b[:n], err
		d.arrived.Store(true)
		return nil
	})
}

// lookAhead waits until there is something to read, or the deadline has passed.
func (d *desc) lookAhead() {
	for {
		number := d.r.current()
		if d.awaitReading(context.Background()) == nil || d.r.lapse(number) {
			return
		}
	}
}

// tryRead reads what has been read ahead. If nothing has, and nobody serves the connection, it has a goroutine do that.
func (d *desc) tryRead(b []byte) (int, error) {
	if !d.r.turn.TryLock() {
		return 0, ErrWouldBlock
	}
	defer d.r.turn.Unlock()
	n, err := d.takeAhead(b)
	if n == 0 && err == nil {
		if len(b) > 0 && d.lapsed() != 0 { // nothing takes no time
			return 0, os.ErrDeadlineExceeded
		}
		if err := d.ifClosed(); err != nil || len(b) == 0 {
			return 0, err
		}
		if d.watcher == nil && !d.looking.Swap(true) {
			go func() {
				d.lookAhead()
				d.looking.Store(false)
			}()
		}
		return 0, ErrWouldBlock
	}
	return n, err
}

func (d *desc) write(ctx context.Context, b []byte) (n int, err error) {
	err = d.call(ctx, &d.w, func() error {
		n, err = d.std.Write(b)
		return err
	})
	return n, err
}

func (d *desc) writeBuffers(ctx context.Context, bufs [][]byte) (n int64, err error) {
	all := append(net.Buffers(nil), bufs...)
	err = d.call(ctx, &d.w, func() error {
		n, err = all.WriteTo(d.std)
		return err
	})
	return n, err
}

func (d *desc) readBuffers(ctx context.Context, bufs [][]byte) (n int64, err error) {
	for _, b := range bufs {
		if len(b) > 0 {
			m, err := d.read(ctx, b)
			return int64(m), err
		}
	}
	return 0, d.ifClosed()
}

// Setting things is up to package net, where the connection has such things.

var errUnsupported = errors.ErrUnsupported

func (d *desc) closeRead() error {
	if c, ok := d.std.(interface{ CloseRead() error }); ok {
		return c.CloseRead()
	}
	return errUnsupported
}

func (d *desc) closeWrite() error {
	if c, ok := d.std.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errUnsupported
}

func onTCP(d *desc, f func(c *net.TCPConn) error) error {
	if c, ok := d.std.(*net.TCPConn); ok {
		return f(c)
	}
	return errUnsupported
}

func (d *desc) setNoDelay(on bool) error {
	return onTCP(d, func(c *net.TCPConn) error { return c.SetNoDelay(on) })
}

func (d *desc) setKeepAlive(on bool) error {
	return onTCP(d, func(c *net.TCPConn) error { return c.SetKeepAlive(on) })
}

func (d *desc) setKeepAlivePeriod(period time.Duration) error {
	return onTCP(d, func(c *net.TCPConn) error { return c.SetKeepAlivePeriod(period) })
}

func (d *desc) setLinger(seconds int) error {
	return onTCP(d, func(c *net.TCPConn) error { return c.SetLinger(seconds) })
}

func (d *desc) setReadBuffer(bytes int) error {
	if c, ok := d.std.(interface{ SetReadBuffer(bytes int) error }); ok {
		return c.SetReadBuffer(bytes)
	}
	return errUnsupported
}

func (d *desc) setWriteBuffer(bytes int) error {
	if c, ok := d.std.(interface{ SetWriteBuffer(bytes int) error }); ok {
		return c.SetWriteBuffer(bytes)
	}
	return errUnsupported
}

// SyscallConn gives access to the descriptor. The functions that the result is given must not close the connection.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	if s, ok := c.d.std.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, errUnsupported
}

func (c *Conn) takes(r io.Reader) bool { return false }

func (c *Conn) sendFile(context.Context, io.Reader, int64) (n int64, handled bool, err error) {
	return 0, false, nil
}

func splice(*Conn, context.Context, *Conn, context.Context, int64) (n int64, ok bool, err error) {
	return 0, false, nil
}
