package future

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/internal/park"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Future is a value or an error that is there, or will be. It is made by a [Promise], or from other futures. It must not be
// copied.
//
// All methods may be called from anywhere, at the same time.
type Future[T any] struct {
	core
	value T
}

// Poll returns the outcome without waiting. ok is false if there is none yet. It costs some nanoseconds.
func (f *Future[T]) Poll() (value T, err error, ok bool) { //nolint:staticcheck // the contract has the error second
	if !f.isFinal() {
		return value, nil, false
	}
	value, err = f.outcome()
	return value, err, true
}

// Await returns the outcome when it is there. It suspends the calling task until then, or blocks the calling goroutine if it
// is no task's. If ctx is done first, or the task's scheduler closed, it returns an error that says so; the future is not
// affected. An outcome that is already there wins over a context that is done.
//
// A goroutine that awaits a task which nobody has begun may run that itself, if ctx is one that is never done (see sched.Go).
//
// A task that awaits the future of its own results would wait for ever. If the future's [Owner] can tell, as it can for futures
// of sched.Go, Await panics then.
//
// What happened before the future was settled happens before the return. It costs a nanosecond or two if the outcome is
// there, otherwise an allocation and a switch of fibers or goroutines.
func (f *Future[T]) Await(ctx context.Context) (none T, err error) {
	if f.head.Load() == &settled {
		return f.value, nil
	}
	if f.mustWait(ctx) { // not a call of its own for what follows: it would be on the stack of every task that waits
		a := &awaiter{}
		a.self = a
		a.Init(ctx)
		a.For(worker.ForFuture, &f.core)
		if f.listen(&a.node) {
			if err := a.Wait(ctx); err != nil {
				f.forget()
				return none, err
			}
		}
	}
	value, err := f.outcome()
	return value, worker.AwaitedHere(err)
}

// outcome returns value and error of a future that is settled.
func (f *Future[T]) outcome() (value T, err error) {
	if v := f.verdict(); v != nil {
		return value, v.look()
	}
	return f.value, nil
}

// An awaiter is one Await.
type awaiter struct {
	plain
	node
	park.Waiter
}

func (a *awaiter) hear(*delivery) bool { a.Wake(); return false }
func (a *awaiter) over() bool          { return a.Cancelled() }

// mustWait tells the owner, if there is one, that the future is about to be awaited, whereupon the owner may settle it. It reports whether
// the future is still not settled.
func (c *core) mustWait(ctx context.Context) bool {
	if c.isFinal() {
		return false
	}
	if o, ok := c.self.(Owner); ok {
		if o.Awaited(ctx.Done() == nil) {
			panic("future: a task awaits its own future")
		}
	}
	return !c.isFinal()
}

// Done returns a channel that is closed when the outcome is there, for use in a select. It is made by the first call: a future
// that is only awaited has none. Further calls cost time in proportion to the number of those who wait for the future.
func (f *Future[T]) Done() <-chan struct{} {
	listeners := f.take()
	for n := listeners; n != nil; n = n.next {
		if s, ok := n.self.(*signal); ok {
			f.putBack(listeners)
			return s.done
		}
	}
	s := &signal{done: make(chan struct{})}
	s.self = s
	s.next = listeners
	f.putBack(&s.node)
	return s.done
}

// A signal closes the channel of Done.
type signal struct {
	plain
	node
	done chan struct{}
}

func (s *signal) hear(*delivery) bool { close(s.done); return false }
func (s *signal) over() bool          { return false }

// Cancel settles the future with an error, [context.Canceled] if err is nil, and has what would have settled it stopped: the
// sources of a derived future are cancelled, and the context of a task. It reports false, and does nothing, if the future was
// settled before. To resolve a promise whose future was cancelled does nothing. Cancel does not block.
//
// Others who wait for a source that is cancelled get the error, too. Use [Shield] for a source that is shared.
func (f *Future[T]) Cancel(err error) bool {
	if err == nil {
		err = context.Canceled
	}
	return f.cancelNow(newVerdict(err))
}

func (c *core) cancelNow(v *verdict) bool {
	listeners, ok := c.settle(&v.node)
	if !ok {
		return false
	}
	if c.self == nil {
		spread(listeners)
		return true
	}
	d := &delivery{}
	d.tell(listeners)
	c.abandoned(d, v)
	d.finish()
	return true
}

// abandoned tells who is concerned, if anybody, that the future has been cancelled.
func (c *core) abandoned(d *delivery, v *verdict) {
	switch self := c.self.(type) {
	case nil:
	case Owner:
		self.Cancelled(v.err)
	default:
		self.abandon(d, v)
	}
}

// fulfil settles a future with a value, or else a verdict. It is for whoever has the right to write the value.
func (f *Future[T]) fulfil(value T, v *verdict) (listeners *node, ok bool) {
	if v != nil {
		return f.settle(&v.node)
	}
	f.value = value
	listeners, ok = f.settle(&settled)
	if !ok {
		var none T
		f.value = none // so as not to keep it alive
	}
	return listeners, ok
}
