package sched

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/internal/callsite"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// ErrFull is the error of a task that did not get a place in a full [Queue], or lost it to a younger one.
var ErrFull = errors.New("pinwheel: queue is full")

// A Queue is a place where tasks wait for a scheduler's workers: with a bound on how many, with priority over other tasks, or
// in the order of keys. Make one with [NewQueue], and start tasks with [GoIn] and [GoKeyed].
//
// Use [Go] if none of that is needed: a queue costs some 200 ns a task more. (A lock.Queue is another thing: a channel of values.)
type Queue struct {
	pool     *worker.Pool
	capacity int // 0 for none
	full     WhenFull
	urgent   bool
	seed     maphash.Seed

	mu      sync.Mutex // never held while tasks run or are submitted
	waiting int        // tasks that have not begun
	first   *ticket    // of these, oldest first
	last    *ticket
	out     int     // tasks without a key that have been submitted and not begun; those that were dropped since count
	next    *ticket // the oldest one that has not been submitted
	strands map[any]*strand
	blocked []*worker.Waiter // submitters that wait for room
}

// WhenFull says what becomes of a task that comes to a full queue.
type WhenFull uint8

const (
	// Block makes the submitter wait for room: a task is suspended, a goroutine blocked.
	Block WhenFull = iota
	// Fail rejects the new task, with [ErrFull].
	Fail
	// DropOldest makes room: the task that has waited longest is rejected, with [ErrFull].
	DropOldest
	// RunHere runs the new task at once, as a part of the submitter, which thereby is slowed down. A task with a key waits for
	// room instead, since its turn may not have come.
	RunHere
)

// A QueueOption of [NewQueue].
type QueueOption func(*Queue) error

// Capacity bounds how many tasks wait in the queue, not counting those that have begun, and says what happens beyond that.
func Capacity(n int, full WhenFull) QueueOption {
	return func(q *Queue) error {
		if n < 1 || full > RunHere {
			return fmt.Errorf("pinwheel: Capacity(%d, %d): want at least 1, and Block, Fail, DropOldest or RunHere", n, full)
		}
		q.capacity, q.full = n, full
		return nil
	}
}

// Urgent makes workers begin the tasks of the queue before other tasks that wait, and interrupt what computes at its next safe
// point for them. Other tasks still get a turn now and then, so they do not starve. It has no effect on tasks with a key.
func Urgent() QueueOption {
	return func(q *Queue) error { q.urgent = true; return nil }
}

// NewQueue returns a queue of the scheduler in ctx, or the default one. Without options it has no bound and no priority. It
// returns an error that names the option that is wrong. A queue need not be closed.
func NewQueue(ctx context.Context, opts ...QueueOption) (*Queue, error) {
	_, pool := where(ctx)
	q := &Queue{pool: pool, seed: maphash.MakeSeed(), strands: map[any]*strand{}}
	for _, o := range opts {
		if err := o(q); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// Len returns how many tasks wait in the queue.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting
}

// A strand is the tasks with one key that have not ended. It exists while there are any.
type strand struct {
	key     any
	pending []*ticket // those that have not been submitted; some may have been dropped
}

// A ticket is what the queue knows of a task that it has accepted.
type ticket struct {
	worker.Root
	queue      *Queue
	strand     *strand
	home       int // says which worker a strand's tasks go to
	prev, next *ticket
	state      ticketState // guarded by the queue's mutex
	reject     func(error)
}

type ticketState uint8

const (
	ticketWaits   ticketState = iota // in the list
	ticketOut                        // in the list, and submitted
	ticketDropped                    // submitted, and no more in the list
	ticketGone                       // begun, or never will
)

// GoIn starts fn as a task that waits in q, and returns its future. In all else it is like [Go], except that the task runs
// under q's scheduler, whichever ctx names, and that it is never preferred to others because it was started by a task.
//
// If q is full, it does what [Capacity] says; if that is to wait, and ctx is done first, the future is rejected with ctx's
// error.
//
//go:noinline
func GoIn[T any](ctx context.Context, q *Queue, fn func(t *Task) (T, error)) *future.Future[T] {
	return enqueue(ctx, q, nil, 0, fn, callsite.PC())
}

// GoKeyed is [GoIn] for a task with a key. Tasks of q with equal keys run one after the other, each to its end before the next
// begins, in the order in which they were started, and on the same worker, as long as the number of workers does not change.
// Tasks with different keys do not wait for each other.
//
// A task that awaits one with its own key that was started later waits for ever. GoKeyed panics if K is an interface, and key has a
// value that cannot be compared.
//
//go:noinline
func GoKeyed[T any, K comparable](ctx context.Context, q *Queue, key K, fn func(t *Task) (T, error)) *future.Future[T] {
	home := maphash.Comparable(q.seed, key) // panics, if at all, while nothing has been done
	var strand any = keyed[K]{key}
	if again := key; key != again { // such as NaN: it has no equal, and a map would keep it for ever
		strand = new(byte)
	}
	return enqueue(ctx, q, strand, home, fn, callsite.PC())
}

// keyed is a key with its type, so that it is not nil and keys of different types differ.
type keyed[K comparable] struct{ key K }

func enqueue[T any](ctx context.Context, q *Queue, strand any, home uint64, fn func(t *Task) (T, error), from uintptr) *future.Future[T] {
	if fn == nil {
		panic("pinwheel: a nil function to be queued")
	}
	g := &queued[T]{fn: fn}
	own := ctx
	if task, ok := ctx.(*Task); ok {
		own = task.Parent()
	}
	g.queue = q
	g.Init(own, g)
	g.StartedAt(from)
	g.promise.SetOwner(g)
	g.reject = func(err error) { g.promise.TryReject(err) }
	g.Bind(q.pool)
	g.home = int(home >> 33)
	switch here, err := q.accept(ctx, &g.ticket, strand); {
	case err != nil:
		g.promise.TryReject(err)
	case here:
		value, err := runIn(context.WithValue(ctx, key{}, q.pool), fn, worker.Anyway)
		g.settle(value, err)
	}
	return g.promise.Future()
}

type queued[T any] struct {
	ticket
	future.Owned
	fn      func(t *Task) (T, error)
	value   T
	err     error
	promise future.Promise[T]
}

func (g *queued[T]) Run(t *Task) {
	if g.queue.begin(&g.ticket) {
		g.value, g.err = g.fn(t)
	}
}

func (g *queued[T]) Done(failure *PanicError, refused error) {
	err := g.err
	if e := errorOf(failure, refused); e != nil {
		err = e
	}
	g.fn = nil
	g.queue.begin(&g.ticket) // if it never did
	g.settle(g.value, err)
	var none T
	g.value = none // if it was not taken, nothing else keeps it alive
	if g.strand != nil {
		g.queue.proceed(g.strand)
	}
}

func (g *queued[T]) settle(value T, err error) {
	if err != nil {
		g.promise.TryReject(err)
	} else {
		g.promise.TryResolve(value)
	}
}

// Cancelled leaves the queue, if the task has not been submitted, so that it does not take up room.
func (g *queued[T]) Cancelled(cause error) {
	if !g.queue.leave(&g.ticket) {
		g.Root.Cancel(cause)
	}
}

// accept gives a task its place. here says that it shall run in the caller.
func (q *Queue) accept(ctx context.Context, p *ticket, key any) (here bool, err error) {
	q.mu.Lock()
	for q.capacity > 0 && q.waiting >= q.capacity {
		switch {
		case q.full == Fail:
			q.mu.Unlock()
			return false, ErrFull
		case q.full == DropOldest:
			oldest := q.first
			q.remove(oldest)
			q.mu.Unlock()
			oldest.reject(ErrFull)
			q.mu.Lock()
		case q.full == RunHere && key == nil:
			q.mu.Unlock()
			return true, nil
		default:
			if err := q.wait(ctx); err != nil {
				return false, err
			}
		}
	}
	q.waiting++
	if p.prev = q.last; p.prev == nil {
		q.first = p
	} else {
		p.prev.next = p
	}
	q.last = p
	if key != nil {
		q.join(p, key)
		return false, nil
	}
	if q.next == nil {
		q.next = p
	}
	q.advance()
	return false, nil
}

// wait waits for room. q.mu is held on return, unless there is an error.
func (q *Queue) wait(ctx context.Context) error {
	w := &worker.Waiter{}
	w.Init(ctx)
	w.For(worker.ForPlace, q)
	q.blocked = append(q.blocked, w)
	q.mu.Unlock()
	err := w.Wait(ctx)
	q.mu.Lock()
	if err != nil { // whoever makes room meanwhile finds that it has given up, and wakes the next
		q.blocked = slices.DeleteFunc(q.blocked, func(x *worker.Waiter) bool { return x == w })
		q.mu.Unlock()
	}
	return err
}

// remove takes a task out of the list. q.mu is held.
func (q *Queue) remove(p *ticket) {
	if q.next == p {
		q.next = p.next
		for q.next != nil && q.next.strand != nil {
			q.next = q.next.next
		}
	}
	if p.prev == nil {
		q.first = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next == nil {
		q.last = p.prev
	} else {
		p.next.prev = p.prev
	}
	p.prev, p.next = nil, nil
	if p.state == ticketOut {
		p.state = ticketDropped
	} else {
		p.state = ticketGone
	}
	q.waiting--
	for len(q.blocked) > 0 {
		w := q.blocked[0]
		q.blocked[0] = nil
		if q.blocked = q.blocked[1:]; w.Wake() {
			break
		}
	}
}

// begin notes that a task that was submitted begins, or never will, and submits another. It reports false if the task has been
// dropped. For one that has begun it does nothing.
func (q *Queue) begin(p *ticket) bool {
	q.mu.Lock()
	was := p.state
	if was == ticketGone {
		q.mu.Unlock()
		return true
	}
	q.strike(p)
	q.advance()
	return was == ticketOut
}

// strike forgets a task that was submitted. q.mu is held.
func (q *Queue) strike(p *ticket) {
	if p.state == ticketOut {
		q.remove(p)
	}
	p.state = ticketGone
	if p.strand == nil {
		q.out--
	}
}

// leave takes a task back that has not been submitted.
func (q *Queue) leave(p *ticket) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if p.state != ticketWaits {
		return false
	}
	q.remove(p)
	return true
}

// advance submits tasks without a key, so many that workers do not run out of them: the others wait here, where they can be
// dropped. q.mu is held, and is left. While there are tasks in the list, at least one is out: so the scheduler does not shut
// down before they have begun.
func (q *Queue) advance() {
	for q.next != nil && q.out < 2*q.pool.Size() {
		p := q.next
		for q.next = p.next; q.next != nil && q.next.strand != nil; {
			q.next = q.next.next
		}
		p.state = ticketOut
		q.out++
		q.mu.Unlock()
		err := q.submit(p)
		if err != nil {
			p.reject(err)
		}
		q.mu.Lock()
		if err != nil {
			q.strike(p)
		}
	}
	q.mu.Unlock()
}

func (q *Queue) submit(p *ticket) error {
	var err error
	if q.urgent {
		err = q.pool.Prompt(&p.Root)
	} else {
		err = q.pool.Submit(&p.Root)
	}
	if err != nil && q.pool.IsExecutor() && worker.SubmitHere(&p.Root) {
		return nil // the scheduler is shutting down, and this task was accepted before
	}
	return err
}

// join puts a task into the strand of its key. q.mu is held, and is left.
func (q *Queue) join(p *ticket, key any) {
	s := q.strands[key]
	if s != nil {
		p.strand = s
		s.pending = append(s.pending, p)
		q.mu.Unlock()
		return
	}
	s = &strand{key: key}
	q.strands[key] = s
	p.strand, p.state = s, ticketOut
	q.mu.Unlock()
	if !q.post(p) {
		q.proceed(s)
	}
}

// proceed submits the next task of a strand, or ends it.
func (q *Queue) proceed(s *strand) {
	q.mu.Lock()
	for len(s.pending) > 0 {
		p := s.pending[0]
		s.pending[0] = nil
		s.pending = s.pending[1:]
		if p.state == ticketWaits {
			p.state = ticketOut
			q.mu.Unlock()
			if q.post(p) {
				return
			}
			q.mu.Lock()
		}
	}
	delete(q.strands, s.key)
	q.mu.Unlock()
}

// post submits a task to the worker of its key. It reports false if the scheduler does not take it.
func (q *Queue) post(p *ticket) bool {
	err := q.pool.Post(p.home, &p.Root)
	if err != nil {
		p.reject(err)
		q.begin(p)
	}
	return err == nil
}
