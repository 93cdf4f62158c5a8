package netpoll

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"
)

// ErrWouldBlock says that there is nothing to read at the moment.
var ErrWouldBlock = errors.New("netpoll: nothing to read at the moment")

// copyBuffer is how much is copied at once. A connection has such a buffer only while it has something to put into it.
const copyBuffer = 32 << 10

var copyBuffers = sync.Pool{New: func() any { return new([copyBuffer]byte) }}

// connOf returns the connection behind a reader or writer, and the context that it is used under, or nil.
func connOf(x any, outer context.Context) (*Conn, context.Context) {
	switch x := x.(type) {
	case *Conn:
		return x, outer
	case *View:
		return x.Conn, x.ctx
	}
	return nil, nil
}

func (c *Conn) readFrom(ctx context.Context, r io.Reader) (int64, error) {
	limit := int64(math.MaxInt64)
	if l, ok := r.(*io.LimitedReader); ok {
		if c.takes(l.R) {
			n, err := c.readFromLimited(ctx, l.R, l.N)
			l.N -= n
			return n, err
		}
	}
	return c.readFromLimited(ctx, r, limit)
}

func (c *Conn) readFromLimited(ctx context.Context, r io.Reader, limit int64) (int64, error) {
	if src, srcCtx := connOf(r, ctx); src != nil {
		return relay(c, ctx, src, srcCtx, limit)
	}
	if n, handled, err := c.sendFile(ctx, r, limit); handled {
		return n, err
	}
	b := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(b)
	return io.CopyBuffer(plain{c.With(ctx)}, io.LimitReader(r, limit), b[:])
}

// plain is a connection that has nothing but Write.
type plain struct{ v *View }

func (p plain) Write(b []byte) (int, error) { return p.v.Write(b) }

func (c *Conn) writeTo(ctx context.Context, w io.Writer) (n int64, err error) {
	if dst, dstCtx := connOf(w, ctx); dst != nil {
		return relay(dst, dstCtx, c, ctx, math.MaxInt64)
	}
	for {
		m, _, err := c.pass(ctx, copyBuffer, w.Write)
		n += int64(m)
		if err != nil {
			return n, endOfCopy(err)
		}
	}
}

// relay copies from one connection to another: through the program as long as there is little at a time, and past it as soon as
// there is much.
func relay(dst *Conn, dstCtx context.Context, src *Conn, srcCtx context.Context, limit int64) (n int64, err error) {
	direct := true
	write := dst.With(dstCtx).Write
	for n < limit {
		m, much, err := src.pass(srcCtx, int(min(limit-n, copyBuffer)), write)
		n += int64(m)
		if err != nil {
			return n, endOfCopy(err)
		}
		if much && direct {
			var moved int64
			moved, direct, err = splice(dst, dstCtx, src, srcCtx, limit-n)
			n += moved
			if err != nil {
				return n, endOfCopy(err)
			}
		}
	}
	return n, nil
}

// pass waits for something to read, without a buffer, and hands up to max bytes of it to write. much says that there were so many.
func (c *Conn) pass(ctx context.Context, max int, write func(b []byte) (int, error)) (n int, much bool, err error) {
	for {
		if err := c.d.awaitReading(ctx); err != nil {
			return 0, false, c.fail("read", err)
		}
		b := copyBuffers.Get().(*[copyBuffer]byte)
		m, err := c.TryRead(b[:max])
		if err == ErrWouldBlock {
			copyBuffers.Put(b)
			continue
		}
		if m > 0 {
			var werr error
			if n, werr = write(b[:m]); werr == nil && n < m {
				werr = io.ErrShortWrite
			}
			if err == nil {
				err = werr
			}
		}
		copyBuffers.Put(b)
		return n, m == copyBuffer, err
	}
}

// endOfCopy turns the end of what is copied into success.
func endOfCopy(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// TryRead is Read without waiting: if there is nothing to read it returns [ErrWouldBlock]. It is for handlers of
// [sched.ServeReadable], and for those who want a buffer only when they can fill it.
func (c *Conn) TryRead(b []byte) (int, error) {
	n, err := c.d.tryRead(b)
	if err == ErrWouldBlock {
		return 0, err
	}
	return n, c.failRead("read", err)
}
