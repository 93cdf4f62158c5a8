package netpoll

import (
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/worker"
)

var storm = flag.Duration("storm", 4*time.Second, "how long the storm of connections lasts")

// Connections come and go as fast as they can, so that descriptor numbers are used again at once, some of them closed in the
// middle of reading and writing by somebody else. Each has a number of its own, and nobody must ever read another's.
func TestAStormOfConnectionsThatReuseDescriptors(t *testing.T) {
	duration := *storm
	if testing.Short() {
		duration /= 8
	}
	p, pool := newLoop(t, 2)
	l := listen(t, p, "tcp", "127.0.0.1:0")
	served := make(chan error)
	go func() {
		served <- l.Serve(background, pool, func(t *worker.Task, c *Conn) {
			var b [8]byte
			for {
				if _, err := io.ReadFull(c.With(t), b[:]); err != nil {
					return
				}
				if _, err := c.Write(b[:]); err != nil {
					return
				}
			}
		})
	}()
	var nonce, rounds, cut atomic.Uint64
	var clients sync.WaitGroup
	end := time.Now().Add(duration)
	for i := range 16 {
		clients.Go(func() {
			for n := uint64(i); time.Now().Before(end); n++ {
				c, err := p.Dial(background, "tcp", l.Addr().String())
				if err != nil {
					t.Errorf("Dial: %v", err)
					return
				}
				mine := nonce.Add(1)
				var closing sync.WaitGroup
				if n%4 == 0 { // somebody else closes it, some time
					closing.Go(func() {
						for range n % 16 {
							runtime.Gosched()
						}
						_ = c.Close()
					})
				}
				for range 4 {
					var b [8]byte
					binary.LittleEndian.PutUint64(b[:], mine)
					if _, err = c.Write(b[:]); err != nil {
						break
					}
					if _, err = io.ReadFull(c, b[:]); err != nil {
						break
					}
					if got := binary.LittleEndian.Uint64(b[:]); got != mine {
						t.Errorf("connection %d has read what belongs to %d", mine, got)
						return
					}
					rounds.Add(1)
				}
				if err != nil {
					if !errors.Is(err, net.ErrClosed) {
						t.Errorf("connection %d: %v", mine, err)
					}
					cut.Add(1)
				}
				if n%2 == 0 {
					_ = c.SetLinger(0) // a reset: no port is left waiting
				}
				_ = c.Close()
				closing.Wait()
			}
		})
	}
	clients.Wait()
	_ = l.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
	t.Logf("%d connections, %d answers, %d were cut off", nonce.Load(), rounds.Load(), cut.Load())
}

// A peer that reads slowly holds up nothing but its own connection, and gets everything.
func TestSlowReaders(t *testing.T) {
	inBothStyles(t, func(t *testing.T, serve serveFunc) {
		p, pool := newLoop(t, 2)
		l := listen(t, p, "tcp", "127.0.0.1:0")
		go func() { _ = serve(l, background, pool) }()
		const size = 3 << 20
		var slow sync.WaitGroup
		for range 4 {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			slow.Go(func() {
				if _, err := c.Write(make([]byte, size)); err != nil {
					t.Error(err)
				}
				_ = c.(*net.TCPConn).CloseWrite()
			})
			slow.Go(func() {
				defer c.Close()
				got := 0
				for b := make([]byte, 10_000); ; {
					n, err := c.Read(b)
					got += n
					if err != nil {
						break
					}
					runtime.Gosched()
				}
				if got != size {
					t.Errorf("a slow reader got %d bytes, want %d", got, size)
				}
			})
		}
		quick, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer quick.Close()
		for range 100 {
			say(t, quick, "x")
		}
		slow.Wait()
	})
}

// Collections find what waits: connections, deadlines, the thread in epoll.
func TestCollectionsWithEverythingParked(t *testing.T) {
	inBothStyles(t, func(t *testing.T, serve serveFunc) {
		p, pool := newLoop(t, 2)
		l := listen(t, p, "tcp", "127.0.0.1:0")
		go func() { _ = serve(l, background, pool) }()
		var all []*Conn
		for range 100 {
			c, err := p.Dial(background, "tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(time.Hour))
			say(t, c, "x")
			all = append(all, c)
		}
		for range 100 {
			runtime.GC()
		}
		for _, c := range all {
			say(t, c, "still there")
		}
	})
}
