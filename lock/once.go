package lock

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Once does something once. The zero value has not done it.
type Once struct {
	over    atom.Bool
	started bool
	queue   queue
}

// Do calls fn if nobody has called Do before, and returns when the first call's fn is over. If ctx is done before somebody
// else's is, it returns ctx's error. Once it is over, Do costs one load.
//
// A panic or runtime.Goexit of fn goes on in its caller; for the others it counts as done. fn must not call Do of the same
// Once: it would wait for itself.
func (o *Once) Do(ctx context.Context, fn func()) error {
	if o.over.Load() {
		return nil
	}
	return o.doSlow(ctx, fn)
}

// Over reports whether it has been done.
func (o *Once) Over() bool { return o.over.Load() }

func (o *Once) doSlow(ctx context.Context, fn func()) error {
	o.queue.Lock()
	switch {
	case o.over.Load():
		o.queue.Unlock()
		return nil
	case !o.started:
		o.started = true
		o.queue.Unlock()
		defer o.end()
		fn()
		return nil
	}
	left, err := o.queue.wait(ctx, waiterFor(worker.ForOnce, o))
	if err == nil {
		return nil
	}
	o.queue.Unlock()
	if !left {
		return nil
	}
	return err
}

func (o *Once) end() {
	o.queue.Lock()
	o.over.Store(true)
	all := o.queue.takeAll()
	o.queue.Unlock()
	wakeAll(all)
}

// A OnceValue is a value that is computed on first use. The zero value has not been computed.
type OnceValue[T any] struct {
	once   Once
	value  T
	err    error
	failed bool // fn did not return
	panic  any  // and this is why, unless it called runtime.Goexit
}

// Get returns what the first caller's fn returned, error or not, and calls it if need be. If ctx is done before somebody
// else's fn is over, Get returns ctx's error. If fn panicked, every Get panics with the same value; if it called runtime.Goexit,
// other callers get [worker.ErrGoexit].
func (o *OnceValue[T]) Get(ctx context.Context, fn func() (T, error)) (T, error) {
	if !o.once.over.Load() {
		if err := o.once.doSlow(ctx, func() { o.compute(fn) }); err != nil {
			var none T
			return none, err
		}
	}
	return o.result()
}

// TryGet returns the value if it has been computed, which ok reports.
func (o *OnceValue[T]) TryGet() (value T, err error, ok bool) { //nolint:staticcheck // as future.Future.Poll
	if !o.once.over.Load() {
		return value, nil, false
	}
	value, err = o.result()
	return value, err, true
}

func (o *OnceValue[T]) compute(fn func() (T, error)) {
	o.failed = true
	defer func() {
		if o.failed {
			if o.panic = recover(); o.panic != nil {
				panic(o.panic)
			}
		}
	}()
	o.value, o.err = fn()
	o.failed = false
}

func (o *OnceValue[T]) result() (T, error) {
	if o.failed {
		if o.panic != nil {
			panic(o.panic)
		}
		return o.value, worker.ErrGoexit
	}
	return o.value, o.err
}
