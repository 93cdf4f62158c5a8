//go:build linux

package netpoll

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// mute returns an address at which nobody answers: that of a listener whose queue is full.
func mute(t *testing.T) netip.AddrPort {
	socket := func() int {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
		return fd
	}
	l := socket()
	if err := unix.Bind(l, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(l, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(l)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := unix.Connect(socket(), sa); err != nil && err != unix.EINPROGRESS {
			t.Fatal(err)
		}
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(sa.(*unix.SockaddrInet4).Port))
}

// refusing returns an address that refuses connections.
func refusing(t *testing.T, p *Poller) netip.AddrPort {
	l := listen(t, p, "tcp4", "127.0.0.1:0")
	_ = l.Close()
	return netip.MustParseAddrPort(l.Addr().String())
}

// The error of a race is that of the first address, which is the context's if that address has said nothing until then. That is how
// package net has it.
func TestTheErrorOfARaceIsThatOfTheFirstAddress(t *testing.T) {
	defer func(d time.Duration) { attemptDelay = d }(attemptDelay)
	attemptDelay = time.Microsecond
	p := newPoller(t)
	silent, refusal := mute(t), refusing(t, p)
	cancelled := func() (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(background)
		time.AfterFunc(20*time.Millisecond, cancel)
		return ctx, cancel
	}
	expired := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(background, 20*time.Millisecond)
	}
	for _, c := range []struct {
		what  string
		ctx   func() (context.Context, context.CancelFunc)
		order []netip.AddrPort
		want  error
	}{
		{"no answer, cancelled", cancelled, []netip.AddrPort{silent, refusal}, context.Canceled},
		{"no answer, too late", expired, []netip.AddrPort{silent, refusal}, context.DeadlineExceeded},
		{"refused, cancelled", cancelled, []netip.AddrPort{refusal, silent}, unix.ECONNREFUSED},
		{"refused, too late", expired, []netip.AddrPort{refusal, silent}, unix.ECONNREFUSED},
	} {
		ctx, cancel := c.ctx()
		if _, err := p.race(ctx, "tcp", c.order); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.what, err, c.want)
		}
		cancel()
	}
}
