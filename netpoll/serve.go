package netpoll

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A server is what Serve and ServeReadable have in common: the connections that they have accepted and not finished with, and
// how they end.
//
//   - Closing the listener drains: no connection is accepted any more, and those that there are come to their ends.
//   - The end of the context closes the listener and all connections.
//
// Either way the call returns when the last connection has been finished with.
type server struct {
	l     *Listener
	pool  *worker.Pool
	scope *scope

	mu    sync.Mutex
	conns map[*Conn]bool // true: it is open, so that others than who accepts may close it
	ended bool           // the context has: what comes in late is closed

	left  atom.Int64    // the connections, and the accepting itself
	drain worker.Waiter // woken when there are none left
}

// scope is the context of handlers. It has a type of its own so that comparing contexts cannot panic.
type scope struct{ context.Context }

func (l *Listener) newServer(ctx context.Context, pool *worker.Pool) *server {
	return &server{l: l, pool: pool, scope: &scope{ctx}, conns: map[*Conn]bool{}}
}

// run accepts connections and hands them to begin, until the listener is closed or the context done. Then it calls draining, and
// waits for the rest. prepare is called with a connection before anything can be ready.
func (s *server) run(prepare, begin func(c *Conn), draining func()) error {
	s.left.Store(1)
	s.drain.Init(s.scope.Context)
	stop := context.AfterFunc(s.scope.Context, s.end)
	defer stop()
	var c, added *Conn
	var err error
	add := func(c *Conn) {
		if added != nil { // and could not be registered
			s.finished(added)
		}
		added = c
		c.d.scope = s.scope
		s.add(c)
		prepare(c)
	}
	for round := 1; ; round++ {
		if c, err = s.l.accept(s.scope.Context, add); err != nil {
			break
		}
		added = nil
		s.opened(c)
		begin(c)
		if round%acceptRound == 0 {
			giveWay(s.scope.Context)
		}
	}
	if added != nil {
		s.finished(added)
	}
	if s.scope.Err() != nil {
		s.end() // stop may be called before it has begun
	}
	draining()
	s.finished(nil)
	s.drain.WaitFirmly()
	switch cause := s.scope.Err(); {
	case cause != nil:
		return cause
	case errors.Is(err, net.ErrClosed):
		if s.pool.Closed() {
			return worker.ErrClosed
		}
		return nil
	}
	return s.l.fail("accept", err)
}

// acceptRound is how many connections are accepted before others get their turn.
const acceptRound = 16

// add enters a connection that is about to be registered.
func (s *server) add(c *Conn) {
	s.left.Add(1)
	s.mu.Lock()
	s.conns[c] = false
	s.mu.Unlock()
}

// opened says of a connection that it has been registered, and closes it if it has come too late for end to do so.
func (s *server) opened(c *Conn) {
	s.mu.Lock()
	ended := s.ended
	if _, still := s.conns[c]; still { // its handler may have returned already
		s.conns[c] = true
	}
	s.mu.Unlock()
	if ended {
		c.d.discard()
	}
}

// finished is called when a connection has been finished with, and once, with nil, for the accepting.
func (s *server) finished(c *Conn) {
	if c != nil {
		c.d.discard()
		s.mu.Lock()
		_, there := s.conns[c]
		delete(s.conns, c)
		s.mu.Unlock()
		if !there { // one that could not be registered may have been found closed before
			return
		}
	}
	if s.left.Add(-1) == 0 {
		s.drain.Wake()
	}
}

// end closes everything.
func (s *server) end() {
	_ = s.l.Close()
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	for _, c := range s.list() {
		c.d.discard()
	}
}

// list returns the connections that are open.
func (s *server) list() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Conn, 0, len(s.conns))
	for c, open := range s.conns {
		if open {
			all = append(all, c)
		}
	}
	return all
}

// Serve accepts connections and calls handler for each, in a task of its own, and closes the connection when handler returns. Within
// handler, calls of c suspend the task.
//
// It goes on until the listener is closed, and then waits for the handlers that are at work and returns nil. If ctx is done, it
// closes the listener and the connections, so that what waits for them ends, waits for the handlers, and returns ctx's error.
// If the pool is closed it returns [worker.ErrClosed].
//
// A panic of handler closes its connection and goes to the pool's panic handler, or ends the process if there is none.
func (l *Listener) Serve(ctx context.Context, pool *worker.Pool, handler func(t *worker.Task, c *Conn)) error {
	s := l.newServer(ctx, pool)
	return s.run(func(*Conn) {}, func(c *Conn) {
		h := &handling{s: s, c: c, handler: handler}
		h.Init(s.scope, h)
		if pool.Prompt(&h.Root) != nil {
			s.finished(c)
		}
	}, func() {})
}

// A handling is the task of one connection.
type handling struct {
	worker.Root
	s       *server
	c       *Conn
	handler func(t *worker.Task, c *Conn)
}

func (h *handling) Run(t *worker.Task) { h.handler(t, h.c) }

func (h *handling) Done(failure *worker.PanicError, _ error) {
	h.s.finished(h.c)
	h.s.pool.Abandoned(failure)
}
