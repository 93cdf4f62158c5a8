//go:build linux && !pinwheel_portable

package netpoll

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const refusedPoller = "NETPOLL_TEST_REFUSED_POLLER"

// Where there is no epoll or no eventfd for us, timers fire all the same, and what needs to wait for descriptors says what is refused.
func TestAPollerThatTheSystemRefuses(t *testing.T) {
	if text := os.Getenv(refusedPoller); text != "" {
		call, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		refuse(t, unix.EPERM, uint32(call))
		p := newPoller(t)
		for range 2 {
			_, err = p.Listen(background, "tcp", "127.0.0.1:0")
			var refused *os.SyscallError
			if !errors.As(err, &refused) || !errors.Is(err, unix.EPERM) {
				t.Errorf("Listen gave %v", err)
			}
			if _, err = p.ListenPacket(background, "udp", "127.0.0.1:0"); !errors.Is(err, unix.EPERM) {
				t.Errorf("ListenPacket gave %v", err)
			}
			<-p.Wheels().Shard(-1).NewTimer(time.Millisecond).C
			if err := p.Wheels().Shard(-1).Sleep(background, time.Millisecond); err != nil {
				t.Errorf("Sleep gave %v", err)
			}
		}
		return
	}
	for _, call := range []int{unix.SYS_EVENTFD2, unix.SYS_EPOLL_CREATE1} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAPollerThatTheSystemRefuses$")
		cmd.Env = append(os.Environ(), refusedPoller+"="+strconv.Itoa(call))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("without system call %d: %v\n%s", call, err, out)
		}
	}
}

// A Unix listener that cannot be had leaves no socket behind in the file system, where it would be in the way of the next.
func TestAListenerThatFailsLeavesNoFile(t *testing.T) {
	p := newPoller(t)
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "socket")
	for what, adopt := range map[string]func(std net.Listener) error{
		"without descriptors": func(std net.Listener) error {
			var limit unix.Rlimit
			if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
				t.Fatal(err)
			}
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Max: limit.Max}); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) }()
			_, err := p.adoptListener(std, "unix")
			return err
		},
		"on a closed poller": func(std net.Listener) error {
			closed := newPoller(t)
			_ = closed.Close()
			_, err := closed.adoptListener(std, "unix")
			return err
		},
	} {
		std, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		if err := adopt(std); err == nil {
			t.Errorf("%s, there is a listener", what)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s, the socket is still there: %v", what, err)
		}
		_ = os.Remove(path)
	}
}

// A server that cannot register what it accepts closes that, waits, and ends when it is told to. What is dialed meanwhile fails with what
// the system says.
func TestAServerWhoseConnectionsEpollRefuses(t *testing.T) {
	if style := os.Getenv(refusedPoller); style != "" {
		p, pool := newLoop(t, 2)
		l := listen(t, p, "tcp", "127.0.0.1:0")
		served := make(chan error)
		go func() { served <- styles[style](l, background, pool) }()
		client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		refuse(t, unix.ENOSPC, unix.SYS_EPOLL_CTL)
		before := descriptors(t)
		port := l.Addr().(*net.TCPAddr).Port
		if err := unix.Connect(client, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			t.Fatal(err)
		}
		if n, err := unix.Read(client, make([]byte, 1)); n != 0 || err != nil {
			t.Errorf("the client read %d, %v", n, err)
		}
		_, err = p.Dial(background, "tcp", l.Addr().String())
		if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "epoll_ctl") {
			t.Errorf("Dial gave %v", err)
		}
		_ = l.Close()
		if err := <-served; err != nil {
			t.Errorf("serving ended with %v", err)
		}
		if n := descriptors(t); n >= before {
			t.Errorf("%d descriptors, %d before and one of them the listener's", n, before)
		}
		return
	}
	for style := range styles {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=30s")
		cmd.Env = append(os.Environ(), refusedPoller+"="+style)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%.3000s", style, err, out)
		}
	}
}

// What is dialed while the poller is being closed, and has been closed with it, is not returned as a connection without addresses.
func TestDialWhileThePollerIsClosed(t *testing.T) {
	p := newPoller(t)
	l := listen(t, p, "tcp", "127.0.0.1:0")
	p.closing.Store(true)
	for _, network := range []string{"tcp", "udp"} {
		if c, err := p.Dial(background, network, l.Addr().String()); c != nil || !errors.Is(err, net.ErrClosed) {
			t.Errorf("Dial(%q) gave %v, %v", network, c, err)
		}
	}
}

// Where accepting is forbidden, that is an error, as in package net, and not something to try again and again.
func TestAListenerThatMayNotAccept(t *testing.T) {
	if os.Getenv(refusedPoller) != "" {
		l := listen(t, newPoller(t), "tcp", "127.0.0.1:0")
		refuse(t, unix.EPERM, unix.SYS_ACCEPT4)
		if c, err := l.Accept(); c != nil || !errors.Is(err, unix.EPERM) {
			t.Errorf("Accept gave %v, %v", c, err)
		}
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=10s")
	cmd.Env = append(os.Environ(), refusedPoller+"=accept")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%.3000s", err, out)
	}
}
