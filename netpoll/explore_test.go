//go:build mc && linux && !pinwheel_portable

package netpoll

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/mc"
	"github.com/pinwheel-sched/pinwheel/internal/park"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// number is what descriptors have in the explorations: one that is not open in this process, so that closing it does nothing.
const number = chunkSize - 1

// newStage returns a poller without epoll, and a descriptor in its table.
func newStage() (*Poller, *desc) {
	p := &Poller{}
	p.init()
	p.holds.Store(10)
	return p, open(p)
}

func open(p *Poller) *desc {
	d := &desc{poller: p, atEOF: true, stream: true}
	d.life.Store(1)
	p.enter(&d.source, number, d)
	return d
}

// A peer is the kernel's part of a connection: bytes that have arrived, and the end.
type peer struct {
	bytes, ended atom.Uint32
}

// read is the system call.
func (k *peer) read(max uint32) (n int, err error) {
	ended := k.ended.Load()
	have := k.bytes.Load()
	for have > 0 && !k.bytes.CompareAndSwap(have, have-min(have, max)) {
		have = k.bytes.Load()
	}
	if have == 0 && ended == 0 {
		return 0, unix.EAGAIN
	}
	return int(min(have, max)), nil
}

// readAll reads as desc.read does, until there are so many bytes or the end.
func readAll(ctx context.Context, d *desc, k *peer, max uint32, want int) (got int, err error) {
	for got < want {
		var n int
		err := d.attempt(ctx, &d.r, func(int) (err error) {
			n, err = k.read(max)
			return err
		})
		switch {
		case err != nil:
			return got, err
		case n == 0:
			return got, io.EOF
		case n < int(max):
			d.r.short()
		}
		got += n
	}
	return got, nil
}

// What arrives is read, whenever the event comes. A readiness that gets lost shows as a deadlock.
func TestExploreArrivingAgainstReading(t *testing.T) {
	for _, max := range []uint32{1, 4} { // short reads, and full ones
		mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
			_, d := newStage()
			k := &peer{}
			r.Go("reader", func() {
				if got, err := readAll(context.Background(), d, k, max, 3); got != 3 || err != nil {
					r.Fatalf("read %d, %v", got, err)
				}
			})
			for _, n := range []uint32{1, 2} {
				r.Go("arrival", func() {
					k.bytes.Add(n)
					d.ready(unix.EPOLLIN)
				})
			}
		})
	}
}

// The end comes with the last bytes, in one event.
func TestExploreTheEnd(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		_, d := newStage()
		k := &peer{}
		r.Go("reader", func() {
			if got, err := readAll(context.Background(), d, k, 4, 10); got != 2 || err != io.EOF {
				r.Fatalf("read %d, %v", got, err)
			}
		})
		r.Go("arrival", func() {
			k.bytes.Add(1)
			d.ready(unix.EPOLLIN)
			k.bytes.Add(1)
			k.ended.Store(1)
			d.ready(unix.EPOLLIN | unix.EPOLLRDHUP)
		})
	})
}

// A wait that is cancelled leaves nothing behind that the next could miss.
func TestExploreACancelledReader(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		_, d := newStage()
		k := &peer{}
		ctx := park.NewContext()
		r.Go("reader", func() {
			got, err := readAll(ctx, d, k, 4, 1)
			if err != nil {
				got, err = readAll(context.Background(), d, k, 4, 1)
			}
			if got != 1 || err != nil {
				r.Fatalf("read %d, %v", got, err)
			}
		})
		r.Go("canceller", ctx.Cancel)
		r.Go("arrival", func() {
			k.bytes.Add(1)
			d.ready(unix.EPOLLIN)
		})
	})
}

// A connection is closed while it is read, and its number given to another one at once, for which it is too early. An event of the
// first is still on its way: it must not reach the second, and the first must not read from it.
func TestExploreCloseAndReuse(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		p, first := newStage()
		k := &peer{}
		owner := new(atom.Uint32) // of the number: 1 for the first, 2 for the second
		owner.Store(1)
		first.r.word.Store(sideReady)
		var second *desc
		first.then = func(int) {
			owner.Store(0)
			second = open(p)
			owner.Store(2)
		}
		r.Go("reader", func() {
			err := first.attempt(context.Background(), &first.r, func(int) error {
				if owner.Load() != 1 {
					r.Fatalf("a call on the number after it was given back")
				}
				_, err := k.read(1)
				if owner.Load() != 1 {
					r.Fatalf("the number was given back during a call")
				}
				return err
			})
			if !errors.Is(err, net.ErrClosed) && err != nil {
				r.Fatalf("reading gave %v", err)
			}
		})
		r.Go("closer", func() { _ = first.retire(nil) })
		r.Go("poller", func() {
			k.bytes.Add(1)
			p.deliver([]unix.EpollEvent{{Events: unix.EPOLLIN, Fd: number, Pad: int32(first.gen)}})
		})
		r.Finally(func() {
			if second == nil {
				r.Fatalf("the number was not given back")
			}
			if w := second.r.word.Load(); w != 0 {
				r.Fatalf("an event of the first connection has reached the second: %b", w)
			}
			if s := p.table.find(number, second.gen); s != &second.source {
				r.Fatalf("the second connection is not in the table")
			}
		})
	})
}

// A descriptor is registered while the poller is being closed, and the kernel takes it or not. Its number is given back once, and not
// before the kernel has seen it.
func TestExploreRegisteringAgainstClosing(t *testing.T) {
	for _, refusal := range []error{nil, unix.ENOSPC} {
		mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
			p := &Poller{}
			p.init()
			p.phase.Store(pollerRunning)
			p.table.grow(number)
			back := new(atom.Uint32) // how often the number has been given back
			p.set.adding = func(int) error {
				if back.Load() != 0 {
					r.Fatalf("the kernel is given a number that has been given back")
				}
				return refusal
			}
			d := &desc{then: func(int) { back.Add(1) }}
			r.Go("opener", func() {
				if err := d.open(p, number, false); !errors.Is(err, refusal) {
					r.Fatalf("opening gave %v", err)
				}
			})
			r.Go("closer", func() { // as shut
				p.closing.Store(true)
				if s := p.table.at(number).Load(); s != nil {
					s.sink.orphan()
				}
			})
			r.Finally(func() {
				if n := back.Load(); n != 1 {
					r.Fatalf("the number was given back %d times", n)
				}
				if n := p.holds.Load(); n != 1 {
					r.Fatalf("%d holds are left", n)
				}
			})
		})
	}
}

// Connections that become readable while they are handled, and while tasks of the server suspend, are handled.
func TestExploreReadableConnections(t *testing.T) {
	preemptions := 2 // two million runs
	if testing.Short() {
		preemptions = 1
	}
	mc.Explore(t, mc.Config{Preemptions: preemptions}, func(r *mc.Run) {
		s := &readableServer{server: (&Listener{}).newServer(context.Background(), nil)}
		var tasks, handled atom.Uint32 // tasks are handed over; bytes are handled
		s.submit = func(*worker.Task, *dispatch) error {
			tasks.Add(1)
			atom.FutexWake(&tasks, 1)
			return nil
		}
		conns := make([]*Conn, 2)
		peers := make([]*peer, 2)
		inside := make([]int, 2)
		for i := range conns {
			conns[i], peers[i] = &Conn{}, &peer{}
			conns[i].d.life.Store(1)
			conns[i].d.watch(&readable{s: s, c: conns[i]})
		}
		s.handler = func(_ *worker.Task, c *Conn) error {
			i := 0
			if c == conns[1] {
				i = 1
			}
			if inside[i]++; inside[i] > 1 {
				r.Fatalf("two calls for one connection")
			}
			_ = c.d.r.look()
			n, err := peers[i].read(1)
			if err == unix.EAGAIN {
				c.d.r.drained()
			}
			handled.Add(uint32(n))
			inside[i]--
			return nil
		}
		for range 2 {
			r.Daemon("worker", func() {
				for {
					n := tasks.Load()
					if n == 0 {
						atom.FutexWait(&tasks, 0, -1)
						continue
					}
					if tasks.CompareAndSwap(n, n-1) {
						(&dispatch{s: s}).Run(nil)
					}
				}
			})
		}
		for i, n := range []uint32{2, 1} {
			r.Go("arrival", func() {
				for range n {
					peers[i].bytes.Add(1)
					conns[i].d.ready(unix.EPOLLIN)
				}
			})
		}
		r.Finally(func() {
			if n := handled.Load(); n != 3 {
				r.Fatalf("%d of 3 bytes were handled", n)
			}
		})
	})
}
