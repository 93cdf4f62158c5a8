//go:build linux && !pinwheel_portable

package netpoll

import (
	"context"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// disk is the part of a [Disk] that uses io_uring.
type disk struct {
	rings []atom.Pointer[ring] // one for each worker, and one for everybody else; made on first use
	mu    sync.Mutex           // held to make one
	over  atom.Bool            // no ring is to be used any more: closed, or refused
	why   error                // of a refusal
	own   atom.Int32           // descriptors that workers have of their own
}

func (d *Disk) init() {
	d.rings = make([]atom.Pointer[ring], d.config.Workers+1)
	if d.config.Backend == Threads {
		d.over.Store(true)
	}
}

// ring returns the caller's ring, or nil if there is no io_uring. Whatever goes wrong in making one, it is not tried again.
func (d *Disk) ring() *ring {
	if d.over.Load() {
		return nil
	}
	i := len(d.rings) - 1
	if t := worker.Here(context.Background()); t != nil {
		if n := t.Worker(); uint(n) < uint(i) {
			i = n
		}
	}
	if r := d.rings[i].Load(); r != nil {
		return r
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over.Load() {
		return nil
	}
	r := d.rings[i].Load()
	if r == nil {
		var err error
		if r, err = newRing(d.config.Poller); err != nil {
			d.why = err
			d.over.Store(true)
			return nil
		}
		d.rings[i].Store(r)
	}
	return r
}

// refusal says why there is no io_uring, or returns nil if there is.
func (d *Disk) refusal() error {
	if d.ring() != nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.why == nil {
		return os.ErrClosed
	}
	return fmt.Errorf("PINWHEEL_FILES=uring: %w", d.why)
}

func (d *Disk) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over.Store(true)
	for i := range d.rings {
		if r := d.rings[i].Load(); r != nil {
			r.close()
		}
	}
}

// transfer moves bytes in a way that waits. With loose, ctx ends the wait, and buf may be used by the kernel afterwards.
func (d *Disk) transfer(ctx context.Context, f *diskFile, way int, loose bool, buf []byte, off int64) (int, error) {
	op := uint8(opRead)
	if way == writing {
		op = opWrite
	}
	for {
		if r := d.ring(); r != nil {
			f.blocking()
			n, err := r.do(ctx, f, op, loose, buf, off)
			if err == unix.EINTR {
				continue
			}
			if err != errNoRing && err != unix.EAGAIN { // which it might say for ever
				return n, err
			}
		}
		call := func() (n int, err error) {
			c := f.hold()
			if c == nil {
				return 0, os.ErrClosed
			}
			defer f.release(c)
			for err = unix.EINTR; err == unix.EINTR; {
				n, err = slowTransfer(way, f.fd, buf, off)
			}
			return max(n, 0), err
		}
		return byCrew(ctx, &d.crew, loose, call)
	}
}

func (d *Disk) sync(ctx context.Context, f *diskFile) error {
	loose := cancellable(ctx)
	for {
		if r := d.ring(); r != nil {
			f.blocking()
			_, err := r.do(ctx, f, opFsync, loose, nil, 0)
			if err == unix.EINTR {
				continue
			}
			if err != errNoRing && err != unix.EAGAIN { // which it might say for ever
				return err
			}
		}
		_, err := byCrew(ctx, &d.crew, loose, func() (n int, err error) {
			c := f.hold()
			if c == nil {
				return 0, os.ErrClosed
			}
			defer f.release(c)
			for err = unix.EINTR; err == unix.EINTR; {
				err = unix.Fsync(f.fd)
			}
			return 0, err
		})
		return err
	}
}

// byCrew has a call made by the crew.
func byCrew(ctx context.Context, c *crew, loose bool, call func() (int, error)) (n int, err error) {
	if !loose {
		c.do(func() { n, err = call() })
		return n, err
	}
	type result struct {
		n   int
		err error
	}
	r := &result{} // its own, since the call may end when nobody waits any more
	if err := c.try(ctx, func() { r.n, r.err = call() }); err != nil {
		return 0, err
	}
	return r.n, r.err
}

func slowTransfer(way, fd int, b []byte, off int64) (int, error) {
	switch {
	case way == reading && off < 0:
		return unix.Read(fd, b)
	case way == reading:
		return unix.Pread(fd, b, off)
	case off < 0:
		return unix.Write(fd, b)
	}
	return unix.Pwrite(fd, b, off)
}

func addressOf(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
