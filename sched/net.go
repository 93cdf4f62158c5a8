package sched

import (
	"context"
	"errors"
	"net"

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
	return orClosed(p.Dial(ctx, network, address))
}

// Listen announces on a local address: [netpoll.Poller.Listen] says how. Its errors are those of [net.Listen], or
// [ErrClosed].
func Listen(ctx context.Context, network, address string) (*netpoll.Listener, error) {
	p, err := pollerOf(ctx)
	if err != nil {
		return nil, err
	}
	return orClosed(p.Listen(ctx, network, address))
}

// ListenPacket announces on a local address for datagrams: [netpoll.Poller.ListenPacket] says how. Its errors are those
// of [net.ListenPacket], or [ErrClosed].
func ListenPacket(ctx context.Context, network, address string) (*netpoll.PacketConn, error) {
	p, err := pollerOf(ctx)
	if err != nil {
		return nil, err
	}
	return orClosed(p.ListenPacket(ctx, network, address))
}

// Serve accepts connections and calls handler for each, in a task of its own, and closes the connection when handler returns.
// Within handler, calls of c suspend the task; those of c.With(t) also end when t is cancelled.
//
// It goes on until the listener is closed; then it waits for the handlers that are at work, and returns nil. If ctx is done, it closes
// the listener and the connections, so that what waits for them ends, waits for the handlers, and returns ctx's error. It
// returns [ErrClosed] if the scheduler is closed.
//
// A panic of handler closes its connection and goes to the panic handler ([WithPanicHandler]), or ends the process if there is none.
func Serve(ctx context.Context, l *netpoll.Listener, handler func(t *Task, c *netpoll.Conn)) error {
	if handler == nil {
		panic("pinwheel: Serve with a nil handler")
	}
	_, pool := where(ctx)
	return l.Serve(ctx, pool, handler)
}

// ServeReadable accepts connections and calls handler whenever one of them has something to read, or has come to its end. It is for
// many connections that are idle most of the time: between the calls a connection has no task, no stack and no buffer.
//
// Calls for one connection come one after the other. handler should read what there is, with [netpoll.Conn.TryRead] or Read, and
// return; if it leaves something, even all, it is called again, without a pause, when the other connections have had their turn. A call
// that waits suspends the task, and the connection has a stack until then.
//
// If handler returns an error, the connection is closed; io.EOF is the usual one. It is closed whatever handler returns once a call of one of its
// reading methods has failed or found the end (io.Copy returns nil then), since nothing more will come; what is to be written must be written
// before handler returns. A deadline that passes makes the connection readable: reading says what has happened. If handler then returns without
// having set another, the connection is closed, too.
//
// It ends as [Serve] does. Once the listener is closed, connections that have nothing to read are closed. Panics are as in [Serve].
func ServeReadable(ctx context.Context, l *netpoll.Listener, handler func(t *Task, c *netpoll.Conn) error) error {
	if handler == nil {
		panic("pinwheel: ServeReadable with a nil handler")
	}
	_, pool := where(ctx)
	return l.ServeReadable(ctx, pool, handler)
}

// orClosed says of what failed because the poller is closed that the scheduler is.
func orClosed[C any](c C, err error) (C, error) {
	if errors.Is(err, net.ErrClosed) {
		err = ErrClosed
	}
	return c, err
}

// pollerOf returns the poller of the scheduler that ctx names.
func pollerOf(ctx context.Context) (*netpoll.Poller, error) {
	_, pool := where(ctx)
	e, err := eventsOf(pool)
	if err != nil {
		return nil, err
	}
	if pool.Closed() { // not every network asks before it dials
		return nil, ErrClosed
	}
	return e.poller, nil
}
