package netpoll

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/park"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// ServeReadable accepts connections and calls handler whenever one of them has something to read, or has come to its end. Between the calls
// a connection is nothing but its readiness: it has no task, no stack and no buffer.
//
// Calls for one connection come one after the other, each in some task. handler should read what there is and return; if it leaves
// something, even all, it is called again, without a pause, when the other connections have had their turn. [Conn.TryRead] reads without
// waiting. A call that waits, such as writing to a peer that does not read, suspends the task, and the connection has a stack until then.
//
// If handler returns an error, the connection is closed, io.EOF being the usual one. It is closed whatever handler returns once a call of one
// of its reading methods has failed or found the end (io.Copy returns nil then), since nothing more will come; what is to be
// written must be written before handler returns. A deadline that passes makes the connection readable: reading says what has happened.
// If handler then returns without having set another, the connection is closed, too.
//
// It ends as [Listener.Serve] does. Once the listener is closed, connections that have nothing to read are closed.
//
// A call costs some 100 ns beyond the system calls that handler makes. Connections that become ready together share a task.
func (l *Listener) ServeReadable(ctx context.Context, pool *worker.Pool, handler func(t *worker.Task, c *Conn) error) error {
	s := &readableServer{server: l.newServer(ctx, pool), handler: handler}
	s.submit = s.submitTo
	return s.run(func(c *Conn) {
		c.d.watch(&readable{s: s, c: c})
	}, func(c *Conn) {
		c.d.arm()
	}, func() {
		s.draining.Store(true)
		for _, c := range s.list() {
			c.d.hook().rouse()
		}
	})
}

// A readableServer has the queue of connections that have something to read, and sees to it that tasks work it off.
//
//	To queue a connection:  put it in; then summon a task unless one is summoned and has not begun.
//	The task:               say that it has begun; then take connections out and handle them until there are none, or it has had
//	                        its turn. Before it handles one and there are more, it summons the next.
//
// So as long as there is something in the queue, a task is there that has not begun, whatever the handlers do that others are in
// the middle of, and idle workers find it. When they are all quick, one task does everything, and the next finds nothing.
type readableServer struct {
	*server
	handler  func(t *worker.Task, c *Conn) error
	submit   func(t *worker.Task, d *dispatch) error
	draining atom.Bool
	summoned atom.Uint32

	guard       park.Guard
	first, last *readable
}

// A readable is a connection of such a server.
type readable struct {
	s     *readableServer
	c     *Conn
	state atom.Uint32
	next  *readable // in the queue
}

// The states of a readable. Whoever moves it out of resting puts it in the queue; whoever has taken it out has it for himself.
const (
	readableResting uint32 = iota
	readableQueued         // or being handled, or finished with
)

// rouse makes it a [hook].
func (r *readable) rouse() {
	if r.state.Load() == readableResting && r.state.CompareAndSwap(readableResting, readableQueued) {
		r.s.queue(r)
		r.s.summon(nil)
	}
}

func (s *readableServer) queue(r *readable) {
	s.guard.Lock()
	if s.first == nil {
		s.first = r
	} else {
		s.last.next = r
	}
	s.last = r
	s.guard.Unlock()
}

// take takes the next connection out, and says whether there are more.
func (s *readableServer) take() (r *readable, more bool) {
	s.guard.Lock()
	defer s.guard.Unlock()
	if r = s.first; r == nil {
		return nil, false
	}
	s.first, r.next = r.next, nil
	return r, s.first != nil
}

// summon starts a task unless there is one that has not begun. t is the calling task, or nil.
func (s *readableServer) summon(t *worker.Task) {
	if s.summoned.Load() != 0 || !s.summoned.CompareAndSwap(0, 1) {
		return
	}
	d := &dispatch{s: s}
	if s.submit(t, d) != nil {
		s.reap()
	}
}

// submitTo hands a task over to the pool.
func (s *readableServer) submitTo(t *worker.Task, d *dispatch) error {
	d.Init(s.scope, d)
	if t != nil {
		return t.Submit(&d.Root)
	}
	return s.pool.Prompt(&d.Root)
}

// reap finishes with the connections in the queue, where no task will.
func (s *readableServer) reap() {
	s.summoned.Store(0) // before looking, as a task
	for {
		r, _ := s.take()
		if r == nil {
			return
		}
		s.finished(r.c)
	}
}

// dispatchRound is how many connections a task handles before others get their turn: handlers that leave something to read fill the queue
// as fast as it is worked off. If there are more, the next task is there.
const dispatchRound = 16

// A dispatch is a task that works off the queue.
type dispatch struct {
	worker.Root
	s *readableServer
}

func (d *dispatch) Run(t *worker.Task) {
	s := d.s
	s.summoned.Store(0) // then look
	for range dispatchRound {
		r, more := s.take()
		if r == nil {
			return
		}
		if more {
			s.summon(t)
		}
		s.handle(t, r)
	}
}

func (d *dispatch) Done(_ *worker.PanicError, refused error) {
	if refused != nil {
		d.s.reap()
	}
}

// handle calls the handler for a connection.
func (s *readableServer) handle(t *worker.Task, r *readable) {
	over := true
	defer func() {
		if over {
			s.finished(r.c)
			if p := recover(); p != nil {
				s.pool.Abandoned(t.Caught(p))
			}
		}
	}()
	if r.c.d.isReadable() {
		if r.c.d.isClosed() {
			return
		}
		lapsed := r.c.d.lapsed()
		if err := s.handler(t, r.c); err != nil && err != ErrWouldBlock || r.c.ended.Load() {
			return
		}
		if lapsed != 0 && r.c.d.lapsed() == lapsed { // nothing could be read, now or ever
			return
		}
	}
	if s.draining.Load() && !r.c.d.isReadable() {
		return
	}
	over = false
	r.state.Store(readableResting) // then look: whoever has made it readable before that did not queue it
	if s.draining.Load() || r.c.d.isReadable() {
		r.rouse()
		return
	}
	r.c.d.arm()
}
