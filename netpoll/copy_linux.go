//go:build linux && !pinwheel_portable

package netpoll

import (
	"context"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// awaitReading waits until there may be something to read.
func (d *desc) awaitReading(ctx context.Context) error {
	if err := d.lockSide(ctx, &d.r); err != nil {
		return err
	}
	defer d.r.turn.Unlock()
	return d.await(ctx, &d.r)
}

// tryRead reads without waiting, or returns [ErrWouldBlock].
func (d *desc) tryRead(b []byte) (n int, err error) {
	if !d.r.turn.TryLock() {
		return 0, ErrWouldBlock // somebody else is at it
	}
	defer d.r.turn.Unlock()
	return d.readNow(b)
}

// takes reports whether reading from r is done without its Read.
func (c *Conn) takes(r io.Reader) bool {
	switch r.(type) {
	case *Conn, *View, sendable:
		return true
	}
	return false
}

// spliceBytes is how much one splice is asked to move, which is as much as a pipe may hold.
const spliceBytes = 1 << 20

// splice moves what src has to dst, by way of a pipe in the kernel, until src has nothing more for the moment. ok is false if the
// system cannot do it for these two; then nothing has been lost.
func splice(dst *Conn, dstCtx context.Context, src *Conn, srcCtx context.Context, limit int64) (n int64, ok bool, err error) {
	if !dst.d.atEOF || !src.d.atEOF {
		return 0, false, nil
	}
	if err := src.d.lockSide(srcCtx, &src.d.r); err != nil {
		return 0, true, src.fail("read", err)
	}
	defer src.d.r.turn.Unlock()
	if err := dst.d.lockSide(dstCtx, &dst.d.w); err != nil {
		return 0, true, dst.fail("write", err)
	}
	defer dst.d.w.turn.Unlock()
	p := takeConduit()
	if p == nil {
		return 0, false, nil
	}
	defer func() { p.giveBack(err == nil || err == io.EOF) }()
	for n < limit {
		in, err := src.d.spliceIn(p.w, int(min(limit-n, spliceBytes)))
		switch {
		case err == unix.EAGAIN:
			return n, true, nil
		case err == unix.EINVAL:
			return n, false, nil
		case err != nil:
			return n, true, src.failRead("splice", called("splice", err))
		case in == 0:
			return n, true, src.failRead("splice", io.EOF)
		}
		for in > 0 {
			var out int
			err := dst.d.attempt(dstCtx, &dst.d.w, func(fd int) (err error) {
				out, err = moveBytes(p.r, fd, int(in))
				return err
			})
			if err != nil {
				return n, true, dst.fail("splice", called("splice", err))
			}
			in -= int64(out)
			n += int64(out)
			dst.d.spend(dstCtx, &dst.d.w, out)
		}
	}
	return n, true, nil
}

// spliceIn moves bytes into a pipe, without waiting.
func (d *desc) spliceIn(pipe, max int) (n int64, err error) {
	for {
		if err := d.r.look(); err != nil {
			return 0, err
		}
		if d.r.seen&sideReady == 0 {
			return 0, unix.EAGAIN
		}
		if !d.hold() {
			return 0, net.ErrClosed
		}
		moved, err := moveBytes(int(d.fd), pipe, max)
		d.letGo()
		switch err {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			d.r.drained()
		}
		return int64(moved), err
	}
}

// moveBytes moves bytes from one descriptor to another, of which one is a pipe. (How many is an int64 or an int, by the architecture.)
func moveBytes(from, to, most int) (int, error) {
	n, err := unix.Splice(from, nil, to, nil, most, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
	return int(n), err
}

// A conduit is a pipe that is empty when nobody uses it.
type conduit struct {
	r, w    int
	cleanup runtime.Cleanup
}

var conduits sync.Pool

// takeConduit returns nil if the system has no pipe for us.
func takeConduit() *conduit {
	if p, ok := conduits.Get().(*conduit); ok {
		return p
	}
	var fds [2]int
	if unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		return nil
	}
	_, _ = unix.FcntlInt(uintptr(fds[0]), unix.F_SETPIPE_SZ, spliceBytes) // it works with less as well
	p := &conduit{r: fds[0], w: fds[1]}
	p.cleanup = runtime.AddCleanup(p, closePipe, fds) // when the pool drops it
	return p
}

func closePipe(fds [2]int) {
	_ = unix.Close(fds[0])
	_ = unix.Close(fds[1])
}

func (p *conduit) giveBack(empty bool) {
	if empty {
		conduits.Put(p)
		return
	}
	p.cleanup.Stop()
	closePipe([2]int{p.r, p.w})
}

// A sendable is an [*os.File], also in the form that io.Copy hands it over in.
type sendable interface {
	syscall.Conn
	Stat() (os.FileInfo, error)
}

// sendFile sends what is left of a file. handled is false if r is none, or the system cannot do it, or the bounds of datagrams would be
// its choice.
func (c *Conn) sendFile(ctx context.Context, r io.Reader, limit int64) (n int64, handled bool, err error) {
	f, ok := r.(sendable)
	if !ok || !c.d.socket || !c.d.atEOF {
		return 0, false, nil
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0, false, nil
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, false, nil
	}
	if err := c.d.lockSide(ctx, &c.d.w); err != nil {
		return 0, true, c.fail("write", err)
	}
	defer c.d.w.turn.Unlock()
	for n < limit {
		var sent int
		err := c.d.attempt(ctx, &c.d.w, func(fd int) (err error) {
			if cerr := raw.Control(func(file uintptr) {
				sent, err = unix.Sendfile(fd, int(file), nil, int(min(limit-n, sendBytes)))
			}); cerr != nil {
				return cerr
			}
			return err
		})
		switch {
		case (err == unix.EINVAL || err == unix.ENOSYS || err == unix.EOPNOTSUPP) && n == 0:
			return 0, false, nil
		case err != nil:
			return n, true, c.fail("sendfile", called("sendfile", err))
		case sent == 0:
			return n, true, nil
		}
		n += int64(sent)
		c.d.spend(ctx, &c.d.w, sent)
	}
	return n, true, nil
}

// sendBytes is how much one sendfile is asked to send.
const sendBytes = 4 << 20
