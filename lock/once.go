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

// Do calls fn if it is the first call of Do. Any other call waits until the fn of the first call has ended; if its ctx is done
// before, it returns ctx's error. After that Do costs one load.
//
// A panic or runtime.Goexit of fn passes through the first call of Do; for other calls fn has ended then, and they return nil.
// fn must not call Do of the same Once: it would wait for itself.
func (o *Once) Do(ctx context.Context, fn func()) error {
	if o.over.Load() {
		return nil
	}
	return o.doSlow(ctx, fn)
}

// Over reports whether the fn of the first call of Do has ended.
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

// Get returns the results of the fn of the first call of Get, an error included; the first call is the one that calls its fn,
// and others wait for that. If the ctx of a call that waits is done before, it returns ctx's error. If fn panicked, every Get
// panics with the same value; if it called runtime.Goexit, other callers get [worker.ErrGoexit].
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
