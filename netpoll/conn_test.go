package netpoll

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var background = context.Background()

// networks are what connections are tested over, with an address to listen on.
func networks(t testing.TB) map[string]string {
	all := map[string]string{
		"tcp4": "127.0.0.1:0",
		"unix": filepath.Join(t.TempDir(), "socket"),
	}
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		_ = l.Close()
		all["tcp6"] = "[::1]:0"
	}
	return all
}

func overAll(t *testing.T, f func(t *testing.T, network, address string)) {
	for network, address := range networks(t) {
		t.Run(network, func(t *testing.T) { f(t, network, address) })
	}
}

func listen(t testing.TB, p *Poller, network, address string) *Listener {
	t.Helper()
	l, err := p.Listen(background, network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// pair returns both ends of a connection.
func pair(t testing.TB, p *Poller, network, address string) (client, server *Conn) {
	t.Helper()
	l := listen(t, p, network, address)
	defer l.Close()
	client, err := p.Dial(background, network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.AcceptConn(background)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.Close()
	})
	return client, server
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	overAll(t, func(t *testing.T, network, address string) {
		a, b := pair(t, newPoller(t), network, address)
		sent := bytes.Repeat([]byte("0123456789"), 300_000) // more than buffers hold
		go func() {
			if n, err := a.Write(sent); n != len(sent) || err != nil {
				t.Errorf("Write gave %d, %v", n, err)
			}
			if err := a.CloseWrite(); err != nil {
				t.Error(err)
			}
		}()
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d bytes read, %v; want %d", len(got), err, len(sent))
		}
		// The other direction is still open.
		if _, err := b.Write([]byte("bye")); err != nil {
			t.Error(err)
		}
		_ = b.Close()
		if got, err := io.ReadAll(a); string(got) != "bye" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

func TestVectors(t *testing.T) {
	overAll(t, func(t *testing.T, network, address string) {
		a, b := pair(t, newPoller(t), network, address)
		var bufs net.Buffers
		var want []byte
		for i := range 200 {
			part := bytes.Repeat([]byte{byte(i)}, i*37%5000)
			bufs, want = append(bufs, part), append(want, part...)
		}
		go func() {
			n, err := a.Writev(bufs...)
			if n != int64(len(want)) || err != nil {
				t.Errorf("Writev gave %d, %v; want %d", n, err, len(want))
			}
			_ = a.CloseWrite()
		}()
		var got []byte
		for {
			parts := [][]byte{make([]byte, 10), nil, make([]byte, 1000), make([]byte, 3)}
			n, err := b.Readv(parts...)
			got = append(got, bytes.Join(parts, nil)[:n]...)
			if err != nil {
				if err != io.EOF {
					t.Error(err)
				}
				break
			}
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%d bytes read, want %d", len(got), len(want))
		}
		if n, err := a.Writev(); n != 0 || err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("Writev of nothing gave %d, %v", n, err)
		}
	})
}

// A call that waits ends when its connection is closed, with net.ErrClosed, whatever it is.
func TestCloseEndsCallsThatWait(t *testing.T) {
	overAll(t, func(t *testing.T, network, address string) {
		p := newPoller(t)
		for range 20 {
			l := listen(t, p, network, address)
			c, err := p.Dial(background, network, l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			s, err := l.AcceptConn(background)
			if err != nil {
				t.Fatal(err)
			}
			var calls sync.WaitGroup
			started := make(chan bool, 3)
			expect := func(op string, f func() error) {
				calls.Go(func() {
					started <- true
					var op1 *net.OpError
					if err := f(); !errors.Is(err, net.ErrClosed) || !errors.As(err, &op1) || op1.Op != op {
						t.Errorf("%s ended with %v", op, err)
					}
				})
			}
			expect("read", func() error { _, err := c.Read(make([]byte, 1)); return err })
			expect("write", func() error {
				for {
					if _, err := c.Write(make([]byte, 1<<20)); err != nil {
						return err
					}
				}
			})
			expect("accept", func() error { _, err := l.Accept(); return err })
			for range 3 {
				<-started
			}
			runtime.Gosched()
			for _, c := range []io.Closer{c, l, s} {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				if err := c.Close(); !errors.Is(err, net.ErrClosed) {
					t.Errorf("the second Close gave %v", err)
				}
			}
			calls.Wait()
		}
	})
}

func TestDeadlines(t *testing.T) {
	overAll(t, func(t *testing.T, network, address string) {
		p := newPoller(t)
		l := listen(t, p, network, address)
		a, err := p.Dial(background, network, l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		expired := func(err error) {
			t.Helper()
			var ne net.Error
			if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
				t.Errorf("got %v, want a timeout", err)
			}
		}
		read := func() error { _, err := a.Read(make([]byte, 1)); return err }
		for _, d := range []time.Duration{-time.Hour, 0, time.Millisecond} {
			_ = a.SetReadDeadline(time.Now().Add(d))
			expired(read())
			expired(read())
		}
		// It ends a call that waits already.
		_ = a.SetReadDeadline(time.Time{})
		done := make(chan error)
		go func() { done <- read() }()
		runtime.Gosched()
		_ = a.SetDeadline(time.Now())
		expired(<-done)
		// Later, earlier, none.
		_ = a.SetDeadline(time.Now().Add(time.Hour))
		_ = a.SetDeadline(time.Now().Add(time.Millisecond))
		expired(read())
		_ = a.SetDeadline(time.Now().Add(time.Millisecond))
		start := time.Now()
		_ = a.SetDeadline(start.Add(3 * time.Millisecond))
		expired(read())
		if d := time.Since(start); d < 3*time.Millisecond {
			t.Errorf("a deadline that was moved on expired after %v", d)
		}
		if _, err := a.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a write after the deadline gave %v", err)
		}
		_ = a.SetDeadline(time.Time{})
		if _, err := a.Write([]byte("x")); err != nil {
			t.Error(err)
		}
		s, err := l.AcceptConn(background)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		_ = l.SetDeadline(time.Now().Add(time.Millisecond))
		_, err = l.Accept()
		expired(err)
		_ = a.Close()
		if err := a.SetDeadline(time.Now()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("SetDeadline of a closed connection gave %v", err)
		}
	})
}

func TestContextsEndCalls(t *testing.T) {
	overAll(t, func(t *testing.T, network, address string) {
		p := newPoller(t)
		l := listen(t, p, network, address)
		a, err := p.Dial(background, network, l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		for range 20 {
			ctx, cancel := context.WithCancel(background)
			done := make(chan error)
			go func() {
				_, err := a.With(ctx).Read(make([]byte, 1))
				done <- err
			}()
			runtime.Gosched()
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Fatalf("Read gave %v", err)
			}
			if _, err := p.Dial(ctx, network, l.Addr().String()); !errors.Is(err, context.Canceled) {
				t.Fatalf("Dial gave %v", err)
			}
		}
		b, err := l.AcceptConn(background)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if _, err := b.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if n, err := a.With(background).Read(make([]byte, 5)); n != 1 || err != nil {
			t.Errorf("Read gave %d, %v after the cancelled ones", n, err)
		}
		ctx, cancel := context.WithCancel(background)
		go cancel()
		if _, err := l.AcceptConn(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Accept gave %v", err)
		}
	})
}

// Each copy goes another way: small and large, past the program and through it.
func TestCopies(t *testing.T) {
	overAll(t, func(t *testing.T, network, address string) {
		p := newPoller(t)
		for _, size := range []int{0, 1, 100, copyBuffer, 5 << 20} {
			want := make([]byte, size)
			for i := range want {
				want[i] = byte(i * 7 >> 3)
			}
			file := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(file, want, 0o600); err != nil {
				t.Fatal(err)
			}
			in, proxyIn := pair(t, p, network, address)
			proxyOut, out := pair(t, p, network, address)
			go func() { // a file, to a connection, to another
				f, err := os.Open(file)
				if err != nil {
					t.Error(err)
				}
				defer f.Close()
				if n, err := io.Copy(in, f); n != int64(size) || err != nil {
					t.Errorf("the file was sent as %d bytes, %v", n, err)
				}
				_ = in.CloseWrite()
			}()
			go func() {
				if n, err := io.Copy(proxyOut.With(background), proxyIn.With(background)); n != int64(size) || err != nil {
					t.Errorf("the proxy copied %d bytes, %v", n, err)
				}
				_ = proxyOut.CloseWrite()
			}()
			var got bytes.Buffer
			if n, err := io.Copy(&got, out); n != int64(size) || err != nil {
				t.Errorf("read %d bytes, %v", n, err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%d bytes have changed on their way", size)
			}
		}
	})
}

func TestACopyWithALimitTakesNoMore(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t, p, "tcp", "127.0.0.1:0")
	c, d := pair(t, p, "tcp", "127.0.0.1:0")
	const limit = 200_000
	go func() {
		_, _ = a.Write(make([]byte, limit))
		_, _ = a.Write([]byte("rest"))
		_ = a.CloseWrite()
	}()
	go func() {
		if n, err := io.CopyN(c, b, limit); n != limit || err != nil {
			t.Errorf("CopyN gave %d, %v", n, err)
		}
		_ = c.CloseWrite()
	}()
	if n, err := io.Copy(io.Discard, d); n != limit || err != nil {
		t.Errorf("%d bytes came through, %v", n, err)
	}
	if rest, err := io.ReadAll(b); string(rest) != "rest" || err != nil {
		t.Errorf("left are %q, %v", rest, err)
	}
}

// What existing programs look at in errors is what package net gives.
func TestErrorsAreThoseOfPackageNet(t *testing.T) {
	p := newPoller(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for _, c := range []struct{ network, address string }{
		{"tcp", closed.Addr().String()},
		{"unix", filepath.Join(t.TempDir(), "nobody")},
		{"carrier-pigeon", "roof"},
		{"", ""},
		{"tcp", ""},
		{"tcp", "127.0.0.1"},
		{"tcp", "127.0.0.1:100000"},
		{"tcp", "127.0.0.1:no-such-service"},
		{"tcp", "[::1]]:3"},
		{"tcp6", "127.0.0.1:3"},
		{"tcp4", "[::1]:3"},
		{"udp4", "[::1]:3"},
	} {
		_, want := net.Dial(c.network, c.address)
		_, got := p.Dial(background, c.network, c.address)
		compareErrors(t, fmt.Sprintf("Dial(%q, %q)", c.network, c.address), got, want)
	}
	taken := listen(t, p, "tcp", "127.0.0.1:0")
	for _, c := range []struct{ network, address string }{
		{"tcp", taken.Addr().String()},
		{"tcp", "no-port"},
		{"udp", "127.0.0.1:0"},
		{"fax", "1"},
		{"unix", filepath.Join(t.TempDir(), "no", "directory")},
	} {
		_, want := net.Listen(c.network, c.address)
		_, got := p.Listen(background, c.network, c.address)
		compareErrors(t, fmt.Sprintf("Listen(%q, %q)", c.network, c.address), got, want)
	}
}

func compareErrors(t *testing.T, what string, got, want error) {
	t.Helper()
	if got == nil || want == nil {
		t.Errorf("%s: got %v, want %v", what, got, want)
		return
	}
	var g, w *net.OpError
	if !errors.As(got, &g) || !errors.As(want, &w) || g.Op != w.Op || g.Net != w.Net || g.Timeout() != w.Timeout() {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
		return
	}
	if strings.Contains(want.Error(), "unexpected address type") || strings.Contains(want.Error(), "unknown network") {
		if !strings.Contains(got.Error(), "unknown network") {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
		return
	}
	if got.Error() != want.Error() {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

// TryRead of a connection that nobody serves finds what there is, sooner or later.
func TestTryReadInALoop(t *testing.T) {
	overAll(t, func(t *testing.T, network, address string) {
		a, b := pair(t, newPoller(t), network, address)
		try := func() (string, error) {
			for {
				buf := make([]byte, 10)
				if n, err := a.TryRead(buf); err != ErrWouldBlock {
					return string(buf[:n]), err
				}
				runtime.Gosched()
			}
		}
		for _, text := range []string{"x", "yz"} {
			if _, err := b.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
			if got, err := try(); got != text || err != nil {
				t.Errorf("read %q, %v, want %q", got, err, text)
			}
		}
		_ = a.SetReadDeadline(time.Now().Add(time.Millisecond))
		if got, err := try(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after the deadline: %q, %v", got, err)
		}
		_ = a.SetReadDeadline(time.Time{})
		if _, err := a.TryRead(make([]byte, 1)); err != ErrWouldBlock {
			t.Errorf("without a deadline: %v", err)
		}
		if _, err := b.Write([]byte("z")); err != nil {
			t.Fatal(err)
		}
		if n, err := a.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("reading gave %d, %v", n, err)
		}
		_ = b.Close()
		if got, err := try(); err != io.EOF {
			t.Errorf("at the end: %q, %v", got, err)
		}
		_ = a.Close()
		if got, err := try(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %q, %v", got, err)
		}
	})
}

// A poller that is closed connects to nobody, not even for a moment.
func TestDialOfAClosedPollerReachesNobody(t *testing.T) {
	overAll(t, func(t *testing.T, network, address string) {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		p := newPoller(t)
		_ = p.Close()
		if c, err := p.Dial(background, network, l.Addr().String()); c != nil || !errors.Is(err, net.ErrClosed) {
			t.Errorf("Dial gave %v, %v", c, err)
		}
		c, err := net.Dial(network, l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("somebody else has connected before: %d, %v", n, err)
		}
	})
}

func TestAResetIsAnError(t *testing.T) {
	a, b := pair(t, newPoller(t), "tcp", "127.0.0.1:0")
	if err := a.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = a.Close()
	_, err := b.Read(make([]byte, 1))
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reading gave %v, want ECONNRESET", err)
	}
}

func TestNamesAreResolvedAndFamiliesRaced(t *testing.T) {
	p := newPoller(t)
	l := listen(t, p, "tcp4", "127.0.0.1:0") // nobody listens on ::1
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, host := range []string{"localhost", "", "127.0.0.1", "0.0.0.0"} {
		c, err := p.Dial(background, "tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Errorf("Dial of host %q: %v", host, err)
			continue
		}
		if got := c.RemoteAddr().String(); got != l.Addr().String() {
			t.Errorf("host %q: connected to %s, want %s", host, got, l.Addr())
		}
		_ = c.Close()
	}
}

func TestAUnixListenerUnlinksItsSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l := listen(t, newPoller(t), "unix", path)
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	_ = l.Close()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close, the socket: %v", err)
	}
}

func TestRawAccess(t *testing.T) {
	a, b := pair(t, newPoller(t), "tcp", "127.0.0.1:0")
	raw, err := b.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	err = raw.Read(func(fd uintptr) bool {
		if calls++; calls > 1 {
			return true
		}
		_, _ = a.Write([]byte("x")) // not before: who says that there was nothing to read is told of what comes after that
		return false
	})
	if err != nil || calls != 2 {
		t.Errorf("%v after %d calls", err, calls)
	}
	_ = b.Close()
	if err := raw.Control(func(uintptr) { t.Error("called after Close") }); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Control of a closed connection gave %v", err)
	}
}

func TestClosingThePollerEndsEverything(t *testing.T) {
	for range 10 {
		p, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		far, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer far.Close()
		dial := func() *Conn {
			c, err := p.Dial(background, "tcp", far.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		a, b := dial(), dial()
		l := listen(t, p, "tcp", "127.0.0.1:0")
		var calls sync.WaitGroup
		calls.Go(func() {
			if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Read gave %v", err)
			}
		})
		calls.Go(func() {
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Accept gave %v", err)
			}
		})
		runtime.Gosched()
		_ = p.Close()
		calls.Wait()
		if _, err := b.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write gave %v", err)
		}
		if _, err := p.Listen(background, "tcp", "127.0.0.1:0"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Listen gave %v", err)
		}
	}
}
