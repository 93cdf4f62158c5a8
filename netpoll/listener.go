package netpoll

import (
	"context"
	"net"
	"time"
)

// A Listener accepts connections. It is a [net.Listener]: what it accepts are *[Conn]. Its methods may be called at the same time.
type Listener struct {
	listening
	poller  *Poller
	network string
	addr    net.Addr
}

var _ net.Listener = (*Listener)(nil)

// Listen announces on a local address, as [net.Listen] does, for the networks "tcp", "tcp4", "tcp6", "unix" and
// "unixpacket". Names are resolved off the workers; ctx ends that.
func (p *Poller) Listen(ctx context.Context, network, address string) (*Listener, error) {
	switch network {
	case "tcp", "tcp4", "tcp6", "unix", "unixpacket":
	default:
		return nil, &net.OpError{Op: "listen", Net: network, Err: net.UnknownNetworkError(network)}
	}
	if err := p.start(); err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	var std net.Listener
	var err error
	aside(ctx, func() {
		var c net.ListenConfig
		c.SetMultipathTCP(false)
		std, err = c.Listen(ctx, network, address)
	})
	if err != nil {
		return nil, err
	}
	return p.adoptListener(std, network)
}

// Accept waits for the next connection and returns it, as a [net.Conn].
//
// If the process has no descriptor left, or the system no memory, Accept does not fail: it tries again after 5 ms, and then in
// growing intervals of up to a second. So a server under such pressure goes on with the connections that it has.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.AcceptConn(context.Background())
	if err != nil {
		return nil, err
	}
	return c, nil
}

// AcceptConn is [Listener.Accept] under a context, and returns a *[Conn].
func (l *Listener) AcceptConn(ctx context.Context) (*Conn, error) {
	c, err := l.accept(ctx, nil)
	if err != nil {
		return nil, l.fail("accept", err)
	}
	return c, nil
}

// Addr returns the address that the listener listens on.
func (l *Listener) Addr() net.Addr { return l.addr }

// fail makes an error what package net would return.
func (l *Listener) fail(op string, err error) error {
	if _, ok := err.(*net.OpError); ok || err == nil {
		return err
	}
	return &net.OpError{Op: op, Net: l.network, Addr: l.addr, Err: err}
}

// A backoff is how long to wait for descriptors.
type backoff time.Duration

const (
	leastBackoff = 5 * time.Millisecond
	mostBackoff  = time.Second
)

func (b *backoff) next() time.Duration {
	d := min(max(2*time.Duration(*b), leastBackoff), mostBackoff)
	*b = backoff(d)
	return d
}
