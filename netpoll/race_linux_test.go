//go:build linux

package netpoll

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strings"
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

// unanswered returns how many connections wait for an answer of an address.
func unanswered(t *testing.T, a netip.AddrPort) int {
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Error(err)
		return -1
	}
	const synSent = "02"
	return strings.Count(string(table), fmt.Sprintf(":%04X %s ", a.Port(), synSent))
}

// The error of a race is that of the first address, which is the context's if that address has said nothing until then. That is how
// package net has it.
func TestTheErrorOfARaceIsThatOfTheFirstAddress(t *testing.T) {
	defer func(d time.Duration) { attemptDelay = d }(attemptDelay)
	attemptDelay = time.Microsecond
	p := newPoller(t)
	silent, refusal := mute(t), refusing(t, p)

	ctx, cancel := context.WithCancel(background)
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := p.race(ctx, "tcp", []netip.AddrPort{silent, refusal}); !errors.Is(err, context.Canceled) {
		t.Errorf("no answer, cancelled: got %v", err)
	}
	ctx, cancel = context.WithTimeout(background, 20*time.Millisecond)
	defer cancel()
	if _, err := p.race(ctx, "tcp", []netip.AddrPort{silent, refusal}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no answer, too late: got %v", err)
	}

	ctx, cancel = context.WithCancel(background)
	before := unanswered(t, silent)
	attemptDelay = time.Hour
	go func() {
		for unanswered(t, silent) == before { // until the first has refused, and it is the second's turn
			runtime.Gosched()
		}
		cancel()
	}()
	if _, err := p.race(ctx, "tcp", []netip.AddrPort{refusal, silent}); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("refused, cancelled: got %v", err)
	}
}
