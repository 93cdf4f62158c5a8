package netpoll

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

func listenPacket(t testing.TB, p *Poller, network, address string) *PacketConn {
	t.Helper()
	c, err := p.ListenPacket(background, network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestDatagrams(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ network, a, b string }{
		{"udp4", "127.0.0.1:0", "127.0.0.1:0"},
		{"udp", "127.0.0.1:0", ":0"}, // between a socket for IPv4 and one for both
		{"udp", "localhost:0", "127.0.0.1:0"},
		{"unixgram", filepath.Join(dir, "a"), filepath.Join(dir, "b")},
	} {
		t.Run(c.network+c.a+c.b, func(t *testing.T) {
			p := newPoller(t)
			a, b := listenPacket(t, p, c.network, c.a), listenPacket(t, p, c.network, c.b)
			to := b.LocalAddr()
			if u, ok := to.(*net.UDPAddr); ok && u.IP.IsUnspecified() {
				to = &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: u.Port}
			}
			got := make(chan string)
			go func() {
				buf := make([]byte, 100)
				n, from, err := b.ReadFrom(buf)
				got <- fmt.Sprintf("%s from %v %v", buf[:n], from, err)
				_, _ = b.With(background).WriteTo([]byte("back"), from)
			}()
			if n, err := a.WriteTo([]byte("there"), to); n != 5 || err != nil {
				t.Fatalf("WriteTo gave %d, %v", n, err)
			}
			if g, want := <-got, fmt.Sprintf("there from %v <nil>", a.LocalAddr()); g != want {
				t.Errorf("got %q, want %q", g, want)
			}
			buf := make([]byte, 2) // too short
			if n, _, err := a.ReadFrom(buf); n != 2 || string(buf) != "ba" || err != nil {
				t.Errorf("read %d, %q, %v", n, buf, err)
			}
		})
	}
}

func TestBatchesOfDatagrams(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ network, a, b string }{
		{"udp4", "127.0.0.1:0", "127.0.0.1:0"},
		{"unixgram", filepath.Join(dir, "a"), filepath.Join(dir, "b")},
	} {
		t.Run(c.network, func(t *testing.T) {
			p := newPoller(t)
			a, b := listenPacket(t, p, c.network, c.a), listenPacket(t, p, c.network, c.b)
			const count = 150
			go func() {
				ms := make([]Message, count)
				for i := range ms {
					ms[i] = Message{Data: fmt.Append(nil, "number ", i), Addr: b.LocalAddr()}
				}
				if n, err := a.WriteBatch(ms); n != count || err != nil {
					t.Errorf("WriteBatch gave %d, %v", n, err)
				}
			}()
			for next := 0; next < count; {
				ms := make([]Message, 100)
				for i := range ms {
					ms[i].Data = make([]byte, 20)
				}
				n, err := b.ReadBatch(ms)
				if n < 1 || err != nil {
					t.Fatalf("ReadBatch gave %d, %v", n, err)
				}
				for _, m := range ms[:n] {
					if want := fmt.Sprint("number ", next); string(m.Data[:m.N]) != want || m.Addr.String() != a.LocalAddr().String() {
						t.Fatalf("got %q from %v, want %q from %v", m.Data[:m.N], m.Addr, want, a.LocalAddr())
					}
					next++
				}
			}
			if n, err := b.ReadBatch(nil); n != 0 || err != nil {
				t.Errorf("ReadBatch of nothing gave %d, %v", n, err)
			}
			if n, err := a.WriteBatch([]Message{{Data: []byte("x")}}); n != 0 || err == nil {
				t.Errorf("WriteBatch to nobody gave %d, %v", n, err)
			}
		})
	}
}

// Nothing takes no time to read, so that a deadline does not matter. All else is as if there were something.
func TestCallsOfNothing(t *testing.T) {
	p := newPoller(t)
	c, _ := pair(t, p, "tcp", "127.0.0.1:0")
	u := listenPacket(t, p, "udp", "127.0.0.1:0")
	only := func(_ any, err error) error { return err }
	reads := func() map[string]error {
		return map[string]error{
			"Read":       only(c.Read(nil)),
			"TryRead":    only(c.TryRead(nil)),
			"Readv":      only(c.Readv()),
			"Readv, two": only(c.Readv(nil, []byte{})),
			"ReadBatch":  only(u.ReadBatch(nil)),
		}
	}
	writes := func() map[string]error {
		return map[string]error{
			"Write":       only(c.Write(nil)),
			"Writev":      only(c.Writev()),
			"Writev, two": only(c.Writev(nil, []byte{})),
			"WriteBatch":  only(u.WriteBatch(nil)),
		}
	}
	wants := func(state string, errs map[string]error, want error) {
		t.Helper()
		for name, err := range errs {
			if !errors.Is(err, want) {
				t.Errorf("%s, %s gives %v, want %v", state, name, err, want)
			}
		}
	}
	wants("open", reads(), nil)
	wants("open", writes(), nil)
	_, _ = c.SetDeadline(time.Unix(1, 0)), u.SetDeadline(time.Unix(1, 0))
	wants("late", reads(), nil)
	wants("late", writes(), os.ErrDeadlineExceeded)
	_, _ = c.Close(), u.Close()
	wants("closed", reads(), net.ErrClosed)
	wants("closed", writes(), net.ErrClosed)
}

func TestWaitsForDatagramsEnd(t *testing.T) {
	p := newPoller(t)
	c := listenPacket(t, p, "udp", "127.0.0.1:0")
	read := func(ctx context.Context) error {
		_, _, err := c.With(ctx).ReadFrom(make([]byte, 1))
		return err
	}
	_ = c.SetDeadline(time.Now().Add(time.Millisecond))
	if err := read(background); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline, ReadFrom gave %v", err)
	}
	_ = c.SetDeadline(time.Time{})
	ctx, cancel := context.WithCancel(background)
	go cancel()
	if err := read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("under a context that ends, ReadFrom gave %v", err)
	}
	done := make(chan error)
	go func() { done <- read(background) }()
	runtime.Gosched()
	_ = c.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("ReadFrom gave %v", err)
	}
	for _, network := range []string{"tcp", "smoke"} {
		if _, err := p.ListenPacket(background, network, "127.0.0.1:0"); !errors.As(err, new(net.UnknownNetworkError)) {
			t.Errorf("ListenPacket(%q) gave %v", network, err)
		}
	}
}

func TestADialedDatagramSocket(t *testing.T) {
	p := newPoller(t)
	l := listenPacket(t, p, "udp", "127.0.0.1:0")
	c, err := p.Dial(background, "udp", l.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, s := range []string{"one", "", "two"} { // an empty one is none the less one, and not the end
		if _, err := c.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 10)
		n, from, err := l.ReadFrom(buf)
		if string(buf[:n]) != s || err != nil {
			t.Fatalf("read %q, %v", buf[:n], err)
		}
		if _, err := l.WriteTo([]byte(s), from); err != nil {
			t.Fatal(err)
		}
		if n, err = c.Read(buf); string(buf[:n]) != s || err != nil {
			t.Fatalf("read %q, %v", buf[:n], err)
		}
	}
}
