//go:build linux && !pinwheel_portable

package netpoll

import (
	"context"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A desc is a descriptor that tasks and goroutines wait for.
//
// Its number may be used only while it is open, for the system gives it to somebody else afterwards. So every system call
// holds the descriptor, and whoever lets go of it last, after it has been closed, gives the number back. A call that waits does
// not hold it: closing waits for system calls, which do not block, and for nobody who waits.
type desc struct {
	source
	poller *Poller
	life   atom.Uint32                 // how often it is held, and descClosed
	closer atom.Pointer[worker.Waiter] // who closes, and waits until nobody holds it
	timers atom.Pointer[deadlines]
	r, w   side

	atEOF  bool            // no bytes read means the end
	stream bool            // its bytes have no bounds, so that reading less than was asked for means that there is no more
	socket bool            // it is one, and can be shut down
	then   func(fd int)    // called before the number is given back, if it is not nil
	scope  context.Context // its end closes the descriptor, so that a wait under it need not watch it: see watched
}

const descClosed uint32 = 1 << 31

// open takes over a descriptor that does not block, which is ready as far as is known unless connecting says that it is being connected.
// If it fails, the descriptor is closed.
func (d *desc) open(p *Poller, fd int, connecting bool) error {
	d.poller, d.fd = p, int32(fd)
	d.life.Store(2) // held: a poller that is being closed may retire it, and the number must not be another's when the kernel gets it
	defer d.letGo()
	if d.r.hook == nil { // which is to be called when there is something, and not before
		d.r.word.Store(sideReady)
	}
	d.w.why = worker.ForConnect
	if !connecting {
		d.w.why = worker.ForWrite
		d.w.word.Store(sideReady)
	}
	if d.r.why == 0 {
		d.r.why = worker.ForRead
	}
	if err := p.register(&d.source, fd, d); err != nil {
		_ = d.retire(nil)
		return err
	}
	return nil
}

// watch sets what is called when there is something to read. It is set before the descriptor is opened.
func (d *desc) watch(h hook) { d.r.hook = h }

func (d *desc) hook() hook { return d.r.hook }

// arm has the hook called once for what there is to read from now on. The poller does that anyway.
func (d *desc) arm() {}

// isReadable reports whether reading may have something to say.
func (d *desc) isReadable() bool { return d.r.word.Load()&(sideReady|sideExpired|sideClosed) != 0 }

// lapsed returns 0, or if the deadline of reading has passed a number that tells it from one that is set later.
func (d *desc) lapsed() uint32 {
	if w := d.r.word.Load(); w&sideExpired != 0 {
		return w
	}
	return 0
}

func (d *desc) isClosed() bool { return d.life.Load()&descClosed != 0 }

// discard closes the descriptor and does not wait.
func (d *desc) discard() { _ = d.retire(nil) }

// ready makes it a [sink].
func (d *desc) ready(events uint32) {
	const failed = unix.EPOLLERR | unix.EPOLLHUP
	const bounds = unix.EPOLLRDHUP | unix.EPOLLPRI // urgent data, at which a read stops short of what is behind
	if events&(unix.EPOLLIN|bounds|failed) != 0 {
		d.r.event(events&(bounds|failed) != 0)
	}
	if events&(unix.EPOLLOUT|failed) != 0 {
		d.w.event(events&failed != 0)
	}
}

func (d *desc) orphan() { _ = d.retire(nil) }

// hold keeps the number from being given back. It fails if the descriptor is closed.
func (d *desc) hold() bool {
	for {
		n := d.life.Load()
		if n&descClosed != 0 {
			return false
		}
		if d.life.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (d *desc) letGo() {
	if d.life.Add(^uint32(0)) != descClosed {
		return
	}
	d.poller.unregister(&d.source)
	fd := int(d.fd)
	if d.then != nil {
		d.then(fd)
	}
	_ = unix.Close(fd)
	if w := d.closer.Load(); w != nil {
		w.Wake()
	}
}

// close closes the descriptor, ends all waits for it with [net.ErrClosed], and returns when its number has been given back.
// If it has been closed before, it returns [net.ErrClosed] at once.
func (d *desc) close() error {
	w := new(worker.Waiter)
	w.Init(context.Background())
	if err := d.retire(w); err != nil {
		return err
	}
	_ = w.Wait(context.Background())
	return nil
}

// retire closes the descriptor and does not wait; closer is woken at the end.
func (d *desc) retire(closer *worker.Waiter) error {
	for {
		n := d.life.Load()
		if n&descClosed != 0 {
			return net.ErrClosed
		}
		if d.life.CompareAndSwap(n, n|descClosed) {
			break
		}
	}
	d.closer.Store(closer) // the number is still held, on behalf of the descriptor itself
	d.r.end(sideClosed)
	d.w.end(sideClosed)
	if t := d.timers.Load(); t != nil {
		t.stop()
	}
	d.letGo()
	return nil
}

// attempt makes system calls by f until one does not fail for want of readiness. The caller has the side's turn.
func (d *desc) attempt(ctx context.Context, s *side, f func(fd int) error) error {
	for {
		if err := s.look(); err != nil {
			return err
		}
		if s.seen&sideReady == 0 {
			if err := s.await(d.watched(ctx)); err != nil {
				return err
			}
			continue
		}
		if !d.hold() {
			return net.ErrClosed
		}
		err := f(int(d.fd))
		d.letGo()
		switch err {
		case unix.EAGAIN:
			s.drained()
		case unix.EINTR:
		default:
			return err
		}
	}
}

// watched returns what a wait under ctx has to watch. A task whose own context is the scope that the descriptor belongs to need
// not watch it, which would cost more than the wait: when the scope ends, the descriptor is closed.
func (d *desc) watched(ctx context.Context) context.Context {
	if d.scope != nil {
		if t, ok := ctx.(*worker.Task); ok && t.Parent() == d.scope {
			return context.Background()
		}
	}
	return ctx
}

// await waits until the side may be ready, with nothing in hand.
func (d *desc) await(ctx context.Context, s *side) error {
	for {
		if err := s.look(); err != nil || s.seen&sideReady != 0 {
			return err
		}
		if err := s.await(d.watched(ctx)); err != nil {
			return err
		}
	}
}

// budget is how many bytes a call may move before others get their turn.
const budget = 256 << 10

// spend accounts for bytes that were moved without waiting.
func (d *desc) spend(ctx context.Context, s *side, n int) {
	if s.spent += n; s.spent >= budget {
		s.spent = 0
		giveWay(ctx)
	}
}

// lockSide waits for the turn of a side.
func (d *desc) lockSide(ctx context.Context, s *side) error {
	if s.turn.TryLock() {
		return nil
	}
	return s.turn.Lock(ctx)
}

func (d *desc) read(ctx context.Context, b []byte) (n int, err error) {
	if err := d.lockSide(ctx, &d.r); err != nil {
		return 0, err
	}
	defer d.r.turn.Unlock()
	for {
		if n, err = d.readNow(b); err != ErrWouldBlock {
			d.spend(ctx, &d.r, n)
			return n, err
		}
		// Most tasks of a server wait here, and what is on the stack meanwhile decides whether 2 KiB are enough for it. So the system
		// call is made by a function that has returned.
		if err := d.r.await(d.watched(ctx)); err != nil {
			return 0, err
		}
	}
}

// readNow reads without waiting, or returns [ErrWouldBlock]. The caller has the side's turn.
func (d *desc) readNow(b []byte) (n int, err error) {
	b = b[:min(len(b), longestCall)]
	for {
		err := d.r.look()
		if len(b) == 0 && err == os.ErrDeadlineExceeded { // nothing takes no time
			err = nil
		}
		if err != nil || len(b) == 0 {
			return 0, err
		}
		if d.r.seen&sideReady == 0 {
			return 0, ErrWouldBlock
		}
		if !d.hold() {
			return 0, net.ErrClosed
		}
		n, err = sysRead(int(d.fd), b)
		d.letGo()
		switch {
		case err == unix.EAGAIN:
			d.r.drained() // and look again: there may have been an event since
			continue
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, called("read", err)
		case n == 0 && d.atEOF:
			return 0, io.EOF
		case n < len(b) && d.stream:
			d.r.short()
		}
		return n, nil
	}
}

func (d *desc) write(ctx context.Context, b []byte) (n int, err error) {
	if err := d.lockSide(ctx, &d.w); err != nil {
		return 0, err
	}
	defer d.w.turn.Unlock()
	for {
		m, err := d.writeNow(b[n:])
		n += m
		d.spend(ctx, &d.w, m)
		if err == nil && n < len(b) && d.atEOF {
			continue
		}
		if err != ErrWouldBlock {
			return n, err
		}
		if err := d.w.await(d.watched(ctx)); err != nil { // see read
			return n, err
		}
	}
}

// writeNow writes what one system call takes, without waiting, or returns [ErrWouldBlock]. The caller has the side's turn.
func (d *desc) writeNow(b []byte) (n int, err error) {
	b = b[:min(len(b), longestCall)]
	for {
		if err := d.w.look(); err != nil {
			return 0, err
		}
		if d.w.seen&sideReady == 0 && len(b) > 0 { // nothing may need no room
			return 0, ErrWouldBlock
		}
		if !d.hold() {
			return 0, net.ErrClosed
		}
		n, err = sysWrite(int(d.fd), b)
		d.letGo()
		switch {
		case err == unix.EAGAIN:
			d.w.drained()
			if len(b) == 0 { // it does, as a message
				return 0, ErrWouldBlock
			}
			continue
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, called("write", err)
		case n == 0 && len(b) > 0 && d.atEOF:
			return 0, io.ErrUnexpectedEOF
		case n < len(b) && d.atEOF:
			d.w.short()
		}
		return n, nil
	}
}

// longestCall is how many bytes one system call is asked to move: some systems take no more than 2 GiB.
const longestCall = 1 << 30

// writeBuffers writes all buffers, in few system calls, and returns how many bytes.
func (d *desc) writeBuffers(ctx context.Context, bufs [][]byte) (n int64, err error) {
	if err := d.lockSide(ctx, &d.w); err != nil {
		return 0, err
	}
	defer d.w.turn.Unlock()
	if err := d.w.look(); err != nil { // also if there is nothing to write
		return 0, err
	}
	var v vector
	for v.fill(&bufs) {
		var m int
		err := d.attempt(ctx, &d.w, func(fd int) (err error) {
			m, err = unix.Writev(fd, v.bufs())
			return err
		})
		if err != nil {
			return n, called("writev", err)
		}
		n += int64(m)
		if !v.consume(m) {
			d.w.short()
		}
		d.spend(ctx, &d.w, m)
	}
	return n, nil
}

// readBuffers reads into the buffers, one after the other, by one system call.
func (d *desc) readBuffers(ctx context.Context, bufs [][]byte) (n int64, err error) {
	if err := d.lockSide(ctx, &d.r); err != nil {
		return 0, err
	}
	defer d.r.turn.Unlock()
	var v vector
	if !v.fill(&bufs) {
		_, err := d.readNow(nil)
		return 0, err
	}
	var m int
	err = d.attempt(ctx, &d.r, func(fd int) (err error) {
		m, err = unix.Readv(fd, v.bufs())
		return err
	})
	switch {
	case err != nil:
		return 0, called("readv", err)
	case m == 0 && d.atEOF:
		return 0, io.EOF
	case !v.consume(m) && d.stream:
		d.r.short()
	}
	d.spend(ctx, &d.r, m)
	return int64(m), nil
}

// A vector is a part of a list of buffers that one system call takes.
type vector struct {
	tmp [64][]byte
	n   int
}

// fill takes the next buffers out of the list, behind what has not been consumed. It reports whether there is anything.
func (v *vector) fill(list *[][]byte) bool {
	for v.n < len(v.tmp) && len(*list) > 0 {
		if b := (*list)[0]; len(b) > 0 {
			v.tmp[v.n] = b
			v.n++
		}
		*list = (*list)[1:]
	}
	return v.n > 0
}

func (v *vector) bufs() [][]byte { return v.tmp[:v.n] }

// consume takes out the first m bytes, and reports whether that were all.
func (v *vector) consume(m int) bool {
	i := 0
	for i < v.n && m >= len(v.tmp[i]) {
		m -= len(v.tmp[i])
		i++
	}
	rest := copy(v.tmp[:], v.tmp[i:v.n])
	clear(v.tmp[rest:v.n])
	if v.n = rest; rest > 0 {
		v.tmp[0] = v.tmp[0][m:]
	}
	return rest == 0
}

// shutdown ends one direction.
func (d *desc) shutdown(how int) error {
	if !d.socket {
		return unix.ENOTSOCK
	}
	return d.control("shutdown", func(fd int) error { return unix.Shutdown(fd, how) })
}

func (d *desc) closeRead() error  { return d.shutdown(unix.SHUT_RD) }
func (d *desc) closeWrite() error { return d.shutdown(unix.SHUT_WR) }

// control makes a system call that does not wait for readiness.
func (d *desc) control(name string, f func(fd int) error) error {
	if !d.hold() {
		return net.ErrClosed
	}
	defer d.letGo()
	return called(name, f(int(d.fd)))
}

func (d *desc) setInt(level, option, value int) error {
	return d.control("setsockopt", func(fd int) error { return unix.SetsockoptInt(fd, level, option, value) })
}

func (d *desc) setNoDelay(on bool) error {
	return d.setInt(unix.IPPROTO_TCP, unix.TCP_NODELAY, intOf(on))
}

func (d *desc) setKeepAlive(on bool) error {
	return d.setInt(unix.SOL_SOCKET, unix.SO_KEEPALIVE, intOf(on))
}

func (d *desc) setKeepAlivePeriod(period time.Duration) error {
	return d.control("setsockopt", func(fd int) error { return setKeepAlivePeriod(fd, period) })
}

func (d *desc) setLinger(seconds int) error {
	l := unix.Linger{}
	if seconds >= 0 {
		l.Onoff, l.Linger = 1, int32(seconds)
	}
	return d.control("setsockopt", func(fd int) error { return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &l) })
}

func (d *desc) setReadBuffer(bytes int) error {
	return d.setInt(unix.SOL_SOCKET, unix.SO_RCVBUF, bytes)
}

func (d *desc) setWriteBuffer(bytes int) error {
	return d.setInt(unix.SOL_SOCKET, unix.SO_SNDBUF, bytes)
}

func setKeepAlivePeriod(fd int, period time.Duration) error {
	seconds := int((period + time.Second - 1) / time.Second)
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, seconds); err != nil {
		return err
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, seconds)
}

func intOf(on bool) int {
	if on {
		return 1
	}
	return 0
}

// called wraps an error number in the name of the system call, as package net does.
func called(name string, err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		return os.NewSyscallError(name, errno)
	}
	return err
}

// rawConn is a descriptor in the hands of code of other packages. It implements [syscall.RawConn].
type rawConn struct {
	d    *desc
	fail func(op string, err error) error
}

func (c rawConn) Control(f func(fd uintptr)) error {
	err := c.fail("raw-control", c.d.control("", func(fd int) error { f(uintptr(fd)); return nil }))
	if e, ok := err.(*net.OpError); ok && e.Source != nil {
		e.Source, e.Addr = nil, e.Source // as package net has it: it is about this end alone
	}
	return err
}

func (c rawConn) Read(f func(fd uintptr) (done bool)) error {
	return c.fail("raw-read", c.d.raw(&c.d.r, f))
}

func (c rawConn) Write(f func(fd uintptr) (done bool)) error {
	return c.fail("raw-write", c.d.raw(&c.d.w, f))
}

func (d *desc) raw(s *side, f func(fd uintptr) (done bool)) error {
	ctx := context.Background()
	if err := d.lockSide(ctx, s); err != nil {
		return err
	}
	defer s.turn.Unlock()
	s.word.Or(sideReady) // f looks for itself first
	return d.attempt(ctx, s, func(fd int) error {
		if !f(uintptr(fd)) {
			return unix.EAGAIN
		}
		return nil
	})
}
