package netpoll

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// newLoop returns a pool whose workers turn a poller.
func newLoop(t testing.TB, workers int) (*Poller, *worker.Pool) {
	t.Helper()
	p := newPoller(t)
	pool, err := worker.New(worker.Config{
		Workers: workers,
		Loop:    func() (worker.Loop, error) { return turner{p}, nil },
		OnPanic: func(*worker.PanicError) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Loop(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	return p, pool
}

func echoTask(t *worker.Task, c *Conn) {
	v := c.With(t)
	_, _ = io.Copy(v, v)
}

func echoReadable(_ *worker.Task, c *Conn) error {
	var b [4096]byte
	n, err := c.TryRead(b[:])
	if err != nil {
		return err
	}
	_, err = c.Write(b[:n])
	return err
}

// A serveFunc serves until the listener is closed.
type serveFunc func(l *Listener, ctx context.Context, pool *worker.Pool) error

// styles are the two ways to serve an echo.
var styles = map[string]serveFunc{
	"tasks": func(l *Listener, ctx context.Context, pool *worker.Pool) error { return l.Serve(ctx, pool, echoTask) },
	"readable": func(l *Listener, ctx context.Context, pool *worker.Pool) error {
		return l.ServeReadable(ctx, pool, echoReadable)
	},
}

func inBothStyles(t *testing.T, f func(t *testing.T, serve serveFunc)) {
	for style, serve := range styles {
		t.Run(style, func(t *testing.T) { f(t, serve) })
	}
}

func say(t testing.TB, c net.Conn, text string) {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Error(err)
		return
	}
	b := make([]byte, len(text))
	if _, err := io.ReadFull(c, b); err != nil || string(b) != text {
		t.Errorf("said %q, heard %q, %v", text, b, err)
	}
}

func TestEchoToMany(t *testing.T) {
	inBothStyles(t, func(t *testing.T, serve serveFunc) {
		for _, workers := range []int{1, 2, 8} {
			p, pool := newLoop(t, workers)
			l := listen(t, p, "tcp", "127.0.0.1:0")
			served := make(chan error)
			go func() { served <- serve(l, background, pool) }()
			var clients sync.WaitGroup
			for range 50 {
				clients.Go(func() {
					c, err := net.Dial("tcp", l.Addr().String())
					if err != nil {
						t.Error(err)
						return
					}
					defer c.Close()
					for range 20 {
						say(t, c, "hello")
					}
				})
			}
			clients.Wait()
			_ = l.Close()
			if err := <-served; err != nil {
				t.Errorf("%d workers: serving ended with %v", workers, err)
			}
		}
	})
}

// Closing the listener lets handlers end; the end of the context ends them.
func TestServingEnds(t *testing.T) {
	inBothStyles(t, func(t *testing.T, serve serveFunc) {
		p, pool := newLoop(t, 2)
		for range 10 {
			l := listen(t, p, "tcp", "127.0.0.1:0")
			ctx, cancel := context.WithCancel(background)
			served := make(chan error)
			go func() { served <- serve(l, ctx, pool) }()
			var all []net.Conn
			for range 5 {
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				say(t, c, "x")
				all = append(all, c)
			}
			cancel()
			if err := <-served; !errors.Is(err, context.Canceled) {
				t.Errorf("serving ended with %v", err)
			}
			for _, c := range all {
				if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
					t.Errorf("a connection is still open: %d, %v", n, err)
				}
				_ = c.Close()
			}
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("the listener is still open: %v", err)
			}
		}
	})
}

// A connection that is accepted while the context ends, and is not registered yet, is nobody else's to close: it has no descriptor.
func TestServingEndsWhileAConnectionIsRegistered(t *testing.T) {
	p, pool := newLoop(t, 1)
	l := listen(t, p, "tcp", "127.0.0.1:0")
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := l.newServer(ctx, pool)
	err = s.run(func(*Conn) {
		cancel()
		if n := len(s.list()); n != 0 {
			t.Errorf("%d connections are taken for open", n)
		}
		s.end()
	}, func(c *Conn) {
		s.finished(c)
		s.finished(c) // also by who finds it closed
	}, func() {
		if n := s.left.Load(); n != 1 {
			t.Errorf("%d are left, want the accepting alone", n)
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("serving ended with %v", err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
}

func TestServingEndsWithThePool(t *testing.T) {
	inBothStyles(t, func(t *testing.T, serve serveFunc) {
		p, pool := newLoop(t, 2)
		l := listen(t, p, "tcp", "127.0.0.1:0")
		served := make(chan error)
		go func() { served <- serve(l, background, pool) }()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		say(t, c, "x")
		_ = pool.Close()
		if err := <-served; !errors.Is(err, worker.ErrClosed) {
			t.Errorf("serving ended with %v", err)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("the connection is still open")
		}
	})
}

// Draining closes connections that have nothing to say, and lets a handler end.
func TestADrainLetsHandlersEnd(t *testing.T) {
	p, pool := newLoop(t, 2)
	l := listen(t, p, "tcp", "127.0.0.1:0")
	began, goOn := make(chan bool), make(chan bool)
	served := make(chan error)
	go func() {
		served <- l.ServeReadable(background, pool, func(t *worker.Task, c *Conn) error {
			began <- true
			var w worker.Waiter
			w.Init(t)
			go func() { <-goOn; w.Wake() }()
			_ = w.Wait(t)
			return echoReadable(t, c)
		})
	}()
	idle, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	busy, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	if _, err := busy.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	<-began
	_ = l.Close()
	if _, err := idle.Read(make([]byte, 1)); err == nil {
		t.Error("the idle connection is still open")
	}
	goOn <- true
	if b, err := io.ReadAll(busy); string(b) != "x" || err != nil {
		t.Errorf("the answer is %q, %v", b, err)
	}
	if err := <-served; err != nil {
		t.Errorf("serving ended with %v", err)
	}
}

// A handler that fails takes its connection with it and nothing else.
func TestHandlersThatFail(t *testing.T) {
	p, pool := newLoop(t, 2)
	var calls atomic.Int32
	fail := func(t *worker.Task, c *Conn) error {
		var b [1]byte
		n, err := c.TryRead(b[:])
		if n == 0 {
			return err
		}
		calls.Add(1)
		switch b[0] {
		case 'p':
			panic("as asked")
		case 'e':
			return errors.New("as asked")
		}
		_, err = c.Write(b[:])
		return err
	}
	serve := map[string]func(l *Listener) error{
		"readable": func(l *Listener) error { return l.ServeReadable(background, pool, fail) },
		"tasks": func(l *Listener) error {
			return l.Serve(background, pool, func(t *worker.Task, c *Conn) {
				for {
					if _, err := c.Readv(nil); err != nil {
						return
					}
					if err := c.d.awaitReading(t); err != nil {
						return
					}
					if err := fail(t, c); err != nil && err != ErrWouldBlock {
						return
					}
				}
			})
		},
	}
	for style, serve := range serve {
		t.Run(style, func(t *testing.T) {
			l := listen(t, p, "tcp", "127.0.0.1:0")
			served := make(chan error)
			go func() { served <- serve(l) }()
			good, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer good.Close()
			for _, how := range []string{"p", "e", "p"} {
				say(t, good, "x")
				bad, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := bad.Write([]byte(how)); err != nil {
					t.Error(err)
				}
				if n, err := bad.Read(make([]byte, 1)); n != 0 || err == nil {
					t.Errorf("%s: read %d, %v from a connection that failed", how, n, err)
				}
				_ = bad.Close()
			}
			say(t, good, "x")
			_ = l.Close()
			_ = good.Close()
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
	}
}

// A handler that returns nil at the end of a connection is not called again: the end would be there for ever.
func TestHandlersThatIgnoreTheEnd(t *testing.T) {
	const enough = 10_000 // calls
	var b [16]byte
	once := func(read func(b []byte) (int, error)) {
		for {
			if n, err := read(b[:]); n == 0 || err != nil {
				return
			}
		}
	}
	for name, read := range map[string]func(t *worker.Task, c *Conn){
		"TryRead":   func(_ *worker.Task, c *Conn) { once(c.TryRead) },
		"Read":      func(_ *worker.Task, c *Conn) { once(c.Read) },
		"View.Read": func(t *worker.Task, c *Conn) { once(c.With(t).Read) },
		"Readv": func(_ *worker.Task, c *Conn) {
			once(func(b []byte) (int, error) {
				n, err := c.Readv(b)
				return int(n), err
			})
		},
		"Copy":      func(t *worker.Task, c *Conn) { _, _ = io.Copy(io.Discard, c.With(t)) },
		"Copy back": func(t *worker.Task, c *Conn) { _, _ = io.Copy(c.With(t), c.With(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			p, pool := newLoop(t, 1)
			for end, finish := range map[string]func(c *net.TCPConn) error{
				"end":   (*net.TCPConn).CloseWrite,
				"reset": func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) },
			} {
				l := listen(t, p, "tcp", "127.0.0.1:0")
				served := make(chan error)
				calls := 0
				go func() {
					served <- l.ServeReadable(background, pool, func(t *worker.Task, c *Conn) error {
						if calls++; calls > enough {
							return errors.New("enough")
						}
						read(t, c)
						return nil
					})
				}()
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := c.Write(make([]byte, 100<<10)); err != nil { // so much that Copy splices
					t.Error(err)
				}
				if err := finish(c.(*net.TCPConn)); err != nil {
					t.Error(err)
				}
				_, _ = io.Copy(io.Discard, c) // until it is closed
				_ = c.Close()
				_ = l.Close()
				if err := <-served; err != nil {
					t.Error(err)
				}
				if calls > enough {
					t.Errorf("%s: the handler is called for ever", end)
				}
			}
		})
	}
}

// A handler that leaves something to read, always, is called always, and keeps nothing else from being done: not on one worker either.
func TestHandlersThatLeaveEverythingUnread(t *testing.T) {
	for _, conns := range []int{1, 2, 40} {
		p, pool := newLoop(t, 1)
		l := listen(t, p, "tcp", "127.0.0.1:0")
		served := make(chan error)
		var calls atomic.Int64
		called := make(chan bool, 1)
		go func() {
			served <- l.ServeReadable(background, pool, func(*worker.Task, *Conn) error {
				if calls.Add(1) == 1000 {
					called <- true
				}
				return nil
			})
		}()
		for range conns {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		<-called
		for range 10 {
			giveATurn(t, pool)
		}
		_ = pool.Close()
		if err := <-served; !errors.Is(err, worker.ErrClosed) {
			t.Errorf("serving ended with %v", err)
		}
	}
}

// giveATurn has a pool run a task.
func giveATurn(t *testing.T, pool *worker.Pool) {
	t.Helper()
	g := &turn{}
	g.Init(background, g)
	g.waiter.Init(background)
	if err := pool.Submit(&g.Root); err != nil {
		t.Fatal(err)
	}
	_ = g.waiter.Wait(background)
}

// A deadline that has passed and that the handler leaves as it is ends the connection. One that it moves on does not.
func TestADeadlineThatPassesBetweenCalls(t *testing.T) {
	p, pool := newLoop(t, 2)
	l := listen(t, p, "tcp", "127.0.0.1:0")
	served := make(chan error)
	past := time.Unix(1, 0)
	var told atomic.Int32
	handler := func(_ *worker.Task, c *Conn) error {
		var b [1]byte
		n, err := c.TryRead(b[:])
		switch {
		case n > 0:
			if _, err := c.Write(b[:]); err != nil {
				return err
			}
			return c.SetReadDeadline(past)
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		}
		switch told.Add(1) {
		case 1:
			return c.SetReadDeadline(past) // another, as far as that goes
		case 2:
			return c.SetReadDeadline(time.Time{})
		}
		return nil
	}
	go func() { served <- l.ServeReadable(background, pool, handler) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	say(t, c, "x") // told twice, it goes on
	say(t, c, "x") // told once more, it ends
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read %d, %v from a connection whose deadline has passed", n, err)
	}
	if n := told.Load(); n != 3 {
		t.Errorf("the handler was told %d times, want 3", n)
	}
	_ = l.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// A deadline passes when no task can be had any more to tell the handler: the connection is closed.
func TestADeadlineThatPassesWhileThePoolIsClosed(t *testing.T) {
	p, pool := newLoop(t, 1)
	l := listen(t, p, "tcp", "127.0.0.1:0")
	s := &readableServer{server: l.newServer(background, pool)}
	s.submit = func(*worker.Task, *dispatch) error { return worker.ErrClosed }
	accepted := make(chan *Conn)
	served := make(chan error)
	go func() {
		served <- s.run(func(c *Conn) { c.d.watch(&readable{s: s, c: c}) }, func(c *Conn) {
			c.d.arm()
			accepted <- c
		}, func() {})
	}()
	for _, deadline := range []time.Duration{-time.Second, time.Millisecond} {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if err := (<-accepted).SetReadDeadline(time.Now().Add(deadline)); err != nil {
			t.Error(err)
		}
		if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("read %d, %v from a connection whose deadline has passed", n, err)
		}
		_ = c.Close()
	}
	_ = l.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// While one handler waits, the others are called.
func TestAHandlerThatWaitsDelaysNobody(t *testing.T) {
	p, pool := newLoop(t, 1)
	l := listen(t, p, "tcp", "127.0.0.1:0")
	release := make(chan bool)
	go func() {
		_ = l.ServeReadable(background, pool, func(t *worker.Task, c *Conn) error {
			var b [4]byte
			n, err := c.TryRead(b[:])
			if n == 0 {
				return err
			}
			if b[0] == 'w' {
				var w worker.Waiter
				w.Init(t)
				go func() { <-release; w.Wake() }()
				_ = w.Wait(t)
			}
			_, err = c.Write(b[:n])
			return err
		})
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	slow := []net.Conn{dial(), dial(), dial()}
	quick := dial()
	for _, c := range slow {
		if _, err := c.Write([]byte("w")); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			say(t, quick, "x")
		}
	}
	close(release)
	for _, c := range slow {
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Error(err)
		}
	}
}

// On one worker, a connection that always has something to read does not keep the others from being served.
func TestABusyConnectionLeavesOthersTheirTurn(t *testing.T) {
	inBothStyles(t, func(t *testing.T, serve serveFunc) {
		p, pool := newLoop(t, 1)
		l := listen(t, p, "tcp", "127.0.0.1:0")
		go func() { _ = serve(l, background, pool) }()
		flood, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for b := make([]byte, 1<<20); ; {
				if _, err := flood.Write(b); err != nil {
					return
				}
			}
		}()
		go func() { _, _ = io.Copy(io.Discard, flood) }()
		for range 20 {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			say(t, c, "x")
			_ = c.Close()
		}
		_ = flood.Close()
	})
}
