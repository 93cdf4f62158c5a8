package sched

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/netpoll"
)

// Connections, listeners and datagram sockets belong to the scheduler that ctx names, and are closed with it. They are those of
// package net's interfaces, so whatever works on a net.Conn or a net.Listener works on them. A call that waits suspends the task
// that makes it; a goroutine that is no task is blocked.

// Dial connects to an address: [netpoll.Poller.Dial] says how. It suspends the calling task or blocks the calling goroutine until
// there is a connection, an error, or ctx is done. Its errors are those of [net.Dial], or [ErrClosed].
func Dial(ctx context.Context, network, address string) (*netpoll.Conn, error) {
	p, err := pollerOf(ctx)
	if err != nil {
		return nil, err
	}
	return p.Dial(ctx, network, address)
}

// Listen announces on a local address: [netpoll.Poller.Listen] says how. Its errors are those of [net.Listen], or
// [ErrClosed].
func Listen(ctx context.Context, network, address string) (*netpoll.Listener, error) {
	p, err := pollerOf(ctx)
	if err != nil {
		return nil, err
	}
	return p.Listen(ctx, network, address)
}

// ListenPacket announces on a local address for datagrams: [netpoll.Poller.ListenPacket] says how. Its errors are those
// of [net.ListenPacket], or [ErrClosed].
func ListenPacket(ctx context.Context, network, address string) (*netpoll.PacketConn, error) {
	p, err := pollerOf(ctx)
	if err != nil {
		return nil, err
	}
	return p.ListenPacket(ctx, network, address)
}

// pollerOf returns the poller of the scheduler that ctx names.
func pollerOf(ctx context.Context) (*netpoll.Poller, error) {
	_, pool := where(ctx)
	e, err := eventsOf(pool)
	if err != nil {
		return nil, err
	}
	return e.poller, nil
}
