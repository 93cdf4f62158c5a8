//go:build linux

package netpoll

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A world makes connections: package net's, or ours.
type world struct {
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	listen func(network, address string) (net.Listener, error)
	packet func(network, address string) (net.PacketConn, error)
}

// worlds returns that of package net and ours.
func worlds(p *Poller) (std, own world) {
	std = world{new(net.Dialer).DialContext, net.Listen, net.ListenPacket}
	own = world{
		func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := p.Dial(ctx, network, address)
			if c == nil {
				return nil, err
			}
			return c, err
		},
		func(network, address string) (net.Listener, error) {
			l, err := p.Listen(background, network, address)
			if l == nil {
				return nil, err
			}
			return l, err
		},
		func(network, address string) (net.PacketConn, error) {
			c, err := p.ListenPacket(background, network, address)
			if c == nil {
				return nil, err
			}
			return c, err
		},
	}
	return std, own
}

// explain says all of an error that a program may depend on: its text, and what it is taken for.
func explain(err error, addrs ...net.Addr) string {
	if err == nil {
		return "none"
	}
	s := err.Error()
	for i, a := range addrs {
		s = strings.ReplaceAll(s, a.String(), fmt.Sprint("ADDRESS", i))
	}
	var op *net.OpError
	if errors.As(err, &op) {
		s += fmt.Sprintf(" [%s %s %t %t]", op.Op, op.Net, op.Source != nil, op.Addr != nil)
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		s += " timeout"
	}
	for _, e := range []error{
		io.EOF, net.ErrClosed, os.ErrDeadlineExceeded, context.Canceled, context.DeadlineExceeded, os.ErrInvalid, os.ErrNotExist, fs.ErrPermission,
		syscall.EPIPE, syscall.EINVAL, syscall.EMSGSIZE, syscall.ENOTCONN, syscall.ECONNREFUSED, syscall.ENOTSOCK, syscall.EADDRINUSE, syscall.EPROTOTYPE,
	} {
		if errors.Is(err, e) {
			s += fmt.Sprintf(" is %q", e)
		}
	}
	if errors.As(err, new(*net.AddrError)) {
		s += " AddrError"
	}
	if errors.As(err, new(net.UnknownNetworkError)) {
		s += " UnknownNetworkError"
	}
	if errors.As(err, new(*net.DNSError)) {
		s += " DNSError"
	}
	if errors.As(err, new(*os.SyscallError)) {
		s += " SyscallError"
	}
	return s
}

func TestBadAddressesAreThoseOfPackageNet(t *testing.T) {
	takePorts(t)
	t.Chdir(t.TempDir())
	std, own := worlds(newPoller(t))
	tcp := []string{
		"", ":", "x", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:x y", "127.0.0.1:+1", "127.0.0.1: 1",
		"[::1", "[::1]", "::1:80", "[::1]80", "[127.0.0.1]:1", "127.0.0.1:1:1", "]:1", "0.0.0.0:1", "[::]:1", "[::ffff:127.0.0.1]:1", "[::1%nothing]:1", ":1",
		"127.0.0.1:http", "127.0.0.1:tcpmux", "255.255.255.255:1",
	}
	long := strings.Repeat("l", 120)
	unix := []string{"", "@", "nobody", ".", long, "@" + long, "no/where"}
	for _, c := range []struct {
		networks  []string
		addresses []string
	}{
		{[]string{"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6"}, tcp},
		{[]string{"unix", "unixgram", "unixpacket"}, unix},
		{[]string{"", "tcp5", "TCP", "unixy", "x", "file"}, []string{"", "127.0.0.1:1"}},
	} {
		for _, network := range c.networks {
			for _, address := range c.addresses {
				for name, call := range map[string]func(w world) (io.Closer, error){
					"Dial": func(w world) (io.Closer, error) { c, err := w.dial(background, network, address); return c, err },
					"Listen": func(w world) (io.Closer, error) {
						if strings.HasPrefix(network, "udp") || network == "unixgram" {
							return nil, nil
						}
						c, err := w.listen(network, address)
						return c, err
					},
					"ListenPacket": func(w world) (io.Closer, error) {
						if strings.HasPrefix(network, "tcp") || network == "unix" || network == "unixpacket" {
							return nil, nil
						}
						c, err := w.packet(network, address)
						return c, err
					},
				} {
					outcome := func(w world) string {
						c, err := call(w)
						if err == nil && c != nil {
							_ = c.Close()
						}
						for _, left := range unix[1:] {
							if i, err := os.Lstat(left); err == nil && !i.IsDir() {
								_ = os.Remove(left)
							}
						}
						return explain(err)
					}
					if got, want := outcome(own), outcome(std); got != want {
						t.Errorf("%s(%q, %q):\n got %s\nwant %s", name, network, address, got, want)
					}
				}
			}
		}
	}
}

// takePorts keeps other runs of these tests on the machine, such as those of .ci/run on one CPU each, from ports that have fixed numbers.
func takePorts(t *testing.T) {
	f, err := os.OpenFile(filepath.Join(os.TempDir(), "pinwheel-ports.lock"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
}

func TestErrorsOfConnectionsAreThoseOfPackageNet(t *testing.T) {
	std, own := worlds(newPoller(t))
	type tcpLike interface {
		net.Conn
		CloseRead() error
		CloseWrite() error
	}
	b := make([]byte, 10)
	past := time.Now().Add(-time.Second)
	for name, script := range map[string]func(c, peer tcpLike) []error{
		"closed": func(c, _ tcpLike) []error {
			first := c.Close()
			_, r := c.Read(b)
			_, r0 := c.Read(nil)
			_, w := c.Write(b)
			_, w0 := c.Write(nil)
			raw, s := c.(syscall.Conn).SyscallConn()
			nothing := func(uintptr) {}
			done := func(uintptr) bool { return true }
			return []error{
				s, raw.Control(nothing), raw.Read(done), raw.Write(done), first, r, r0, w, w0, c.Close(), c.SetDeadline(past), c.SetReadDeadline(past), c.SetWriteDeadline(past), c.CloseRead(), c.CloseWrite(),
			}
		},
		"late": func(c, _ tcpLike) []error {
			set := c.SetDeadline(past)
			_, r := c.Read(b)
			_, r0 := c.Read(nil)
			_, w := c.Write(b)
			_, w0 := c.Write(nil)
			return []error{set, r, r0, w, w0}
		},
		"shut": func(c, peer tcpLike) []error {
			first := c.CloseWrite()
			_, w := c.Write(b)
			_, w0 := c.Write(nil)
			_, end := peer.Read(b)
			_, end0 := peer.Read(nil)
			read := c.CloseRead()
			_, r := c.Read(b)
			return []error{first, c.CloseWrite(), w, w0, end, end0, read, r}
		},
		"full": func(c, _ tcpLike) []error {
			_ = c.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
			var w error
			for w == nil {
				_, w = c.Write(make([]byte, 1<<20))
			}
			set := c.SetWriteDeadline(time.Now().Add(time.Second))
			_, w0 := c.Write(nil)
			return []error{w, set, w0}
		},
		"gone": func(c, peer tcpLike) []error {
			_ = peer.Close()
			_, r := c.Read(b)
			_, _ = c.Write(b)
			var w error
			for w == nil {
				_, w = c.Write(b)
			}
			return []error{r, w, c.CloseWrite()}
		},
	} {
		for network, address := range networks(t) {
			outcome := func(w world) string {
				l, err := w.listen(network, address)
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				c, err := w.dial(background, network, l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				s, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				var all []string
				for i, err := range script(c.(tcpLike), s.(tcpLike)) {
					all = append(all, fmt.Sprint(i, ": ", explain(err, c.LocalAddr(), l.Addr())))
				}
				if network == "unix" {
					all = append(all, fmt.Sprintf("%#v %#v %#v %#v", c.LocalAddr(), c.RemoteAddr(), s.LocalAddr(), s.RemoteAddr()))
				}
				return strings.Join(all, "\n")
			}
			compare(t, name+" "+network, outcome(own), outcome(std))
		}
	}
}

func compare(t *testing.T, what, got, want string) {
	t.Helper()
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if g[i] != w[i] {
			t.Errorf("%s:\n got %s\nwant %s", what, g[i], w[i])
		}
	}
}

func TestErrorsOfListenersAreThoseOfPackageNet(t *testing.T) {
	std, own := worlds(newPoller(t))
	past := time.Now().Add(-time.Second)
	for network, address := range networks(t) {
		outcome := func(w world) string {
			var all []string
			l, err := w.listen(network, address)
			if err != nil {
				t.Fatal(err)
			}
			say := func(err error) { all = append(all, explain(err, l.Addr())) }
			d := l.(interface{ SetDeadline(time.Time) error })
			say(d.SetDeadline(past))
			_, err = l.Accept()
			say(err)
			say(l.Close())
			_, err = l.Accept()
			say(err)
			say(l.Close())
			if err := d.SetDeadline(past); !errors.Is(err, net.ErrClosed) { // which package net leaves bare
				t.Error(err)
			}
			return strings.Join(all, "\n")
		}
		compare(t, network, outcome(own), outcome(std))
	}
}

func TestErrorsOfDatagramsAreThoseOfPackageNet(t *testing.T) {
	std, own := worlds(newPoller(t))
	dir := t.TempDir()
	past := time.Now().Add(-time.Second)
	b := make([]byte, 10)
	var noUDP *net.UDPAddr
	var noUnix *net.UnixAddr
	for _, c := range []struct{ network, address string }{
		{"udp4", "127.0.0.1:0"},
		{"udp", ":0"},
		{"udp6", "[::1]:0"},
		{"unixgram", filepath.Join(dir, "socket")},
	} {
		outcome := func(w world) string {
			var all []string
			s, err := w.packet(c.network, c.address)
			if err != nil {
				t.Fatal(err)
			}
			say := func(err error) { all = append(all, explain(err, s.LocalAddr())) }
			for _, to := range []net.Addr{
				nil, noUDP, noUnix, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 70000},
				&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: -1}, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.UDPAddr{IP: net.IPv6loopback, Port: 1},
				&net.UDPAddr{IP: net.IP{1, 2, 3}, Port: 1}, &net.UDPAddr{IP: net.IPv4bcast, Port: 1},
				&net.UnixAddr{Name: filepath.Join(dir, "nobody"), Net: "unixgram"}, &net.UnixAddr{Name: "", Net: "unixgram"},
				&net.UnixAddr{Name: strings.Repeat("l", 200), Net: "unixgram"}, &net.UnixAddr{Name: "nobody", Net: "unix"},
				&net.IPAddr{IP: net.IPv4(127, 0, 0, 1)},
			} {
				_, err := s.WriteTo(b, to)
				say(err)
			}
			_, err = s.WriteTo(make([]byte, 1<<20), s.LocalAddr())
			say(err)
			say(s.SetDeadline(past))
			_, _, err = s.ReadFrom(b)
			say(err)
			_, err = s.WriteTo(b, s.LocalAddr())
			say(err)
			say(s.Close())
			_, _, err = s.ReadFrom(b)
			say(err)
			_, err = s.WriteTo(b, s.LocalAddr())
			say(err)
			say(s.Close())
			say(s.SetDeadline(past))
			_ = os.Remove(c.address)
			return strings.Join(all, "\n")
		}
		compare(t, c.network, outcome(own), outcome(std))
	}
}

func TestADatagramWithoutAName(t *testing.T) {
	std, own := worlds(newPoller(t))
	path := filepath.Join(t.TempDir(), "socket")
	outcome := func(w world) string {
		s, err := w.packet("unixgram", path)
		if err != nil {
			t.Fatal(err)
		}
		defer os.Remove(path)
		defer s.Close()
		c, err := w.dial(background, "unixgram", path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		n, from, err := s.ReadFrom(make([]byte, 10))
		return fmt.Sprintf("%d, %#v, %v; %#v to %#v", n, from, err, c.LocalAddr(), c.RemoteAddr())
	}
	if got, want := outcome(own), outcome(std); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Package net has texts of its own for the errors of contexts; what they are taken for is the same.
func TestDialUnderAContextThatIsDone(t *testing.T) {
	p := newPoller(t)
	std, own := worlds(p)
	l := listen(t, p, "tcp4", "127.0.0.1:0")
	cancelled, cancel := context.WithCancel(background)
	cancel()
	late, cancel := context.WithTimeout(background, -1)
	defer cancel()
	for _, ctx := range []context.Context{cancelled, late} {
		for _, c := range []struct{ network, address string }{
			{"tcp", l.Addr().String()}, {"tcp", "localhost:1"}, {"udp", l.Addr().String()}, {"unix", "nobody"},
		} {
			_, got := own.dial(ctx, c.network, c.address)
			_, want := std.dial(ctx, c.network, c.address)
			var g, w *net.OpError
			if !errors.As(got, &g) || !errors.As(want, &w) || !errors.Is(got, ctx.Err()) || !errors.Is(want, ctx.Err()) || g.Timeout() != w.Timeout() {
				t.Errorf("%v under %v: got %v, want %v", c, ctx, got, want)
			}
		}
	}
}
