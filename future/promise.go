package future

// A Promise is the writing end of a [Future]. The zero value is ready for use; it must not be copied.
type Promise[T any] struct {
	f Future[T]
}

// NewPromise returns a promise that is not settled. It costs one allocation, for both ends.
func NewPromise[T any]() *Promise[T] { return &Promise[T]{} }

// Future returns the reading end.
func (p *Promise[T]) Future() *Future[T] { return &p.f }

// Resolve settles the future with a value. It panics if Resolve or Reject, or a Try form that succeeded, came before. If the
// future has been cancelled, it does nothing. It does not block, and runs no callbacks: see [Then].
//
// What happened before Resolve happens before the return of an Await that it ends.
func (p *Promise[T]) Resolve(value T) {
	if !p.f.claim() {
		panic("future: Resolve of a promise that is settled already")
	}
	if listeners, _ := p.f.fulfil(value, nil); listeners != nil {
		spread(listeners)
	}
}

// Reject settles the future with an error, which must not be nil. Otherwise it is like Resolve.
func (p *Promise[T]) Reject(err error) {
	mustBeError(err)
	if !p.f.claim() {
		panic("future: Reject of a promise that is settled already")
	}
	if listeners, _ := p.f.settle(&failed(err).node); listeners != nil {
		spread(listeners)
	}
}

// TryResolve settles the future with a value, unless it is settled or cancelled, and reports whether it did.
func (p *Promise[T]) TryResolve(value T) bool {
	if !p.f.claim() {
		return false
	}
	listeners, ok := p.f.fulfil(value, nil)
	spread(listeners)
	return ok
}

// TryReject settles the future with an error, which must not be nil, unless it is settled or cancelled, and reports whether it
// did.
func (p *Promise[T]) TryReject(err error) bool {
	mustBeError(err)
	if !p.f.claim() {
		return false
	}
	listeners, ok := p.f.settle(&failed(err).node)
	spread(listeners)
	return ok
}

func mustBeError(err error) {
	if err == nil {
		panic("future: Reject with a nil error")
	}
}

// Write writes the outcome down, once: the error, or the value if that is nil. It becomes known by Publish. They are for a task
// whose results are there before it is over, and that alone settles the promise: Write does not compete with Resolve and Reject,
// which would cost an atomic operation. It panics if it, or Publish, came before.
func (p *Promise[T]) Write(value T, err error) {
	if p.f.next != nil { // a promise has no source, so this is not in use
		panic("future: Write of a promise that has been written already")
	}
	if err != nil {
		p.f.next = &failed(err).node
	} else {
		p.f.next, p.f.value = &settled, value
	}
}

// published is the next node of a promise after Publish.
var published node

// Publish settles the future with what has been written, or with err if that is not nil. Something must have been written, or
// else err not be nil. It does nothing if the future has been cancelled. Nobody else may settle the promise. It panics if Publish came
// before, or nothing is there to publish.
//
// What happened before Publish happens before the return of an Await that it ends.
func (p *Promise[T]) Publish(err error) {
	by := p.f.next
	switch {
	case by == &published:
		panic("future: Publish of a promise that has been published already")
	case err != nil:
		by = &failed(err).node
	case by == nil:
		panic("future: Publish of a promise that nothing was written to")
	}
	p.f.next = &published
	listeners, ok := p.f.settle(by)
	if !ok || by != &settled {
		var none T
		p.f.value = none // so as not to keep it alive
	}
	if listeners != nil {
		spread(listeners)
	}
}

// An Owner is what is going to settle a promise. It embeds [Owned].
type Owner interface {
	// Cancelled is called when the future has been cancelled, once, by whoever cancels it. It must not block.
	Cancelled(cause error)
	// Awaited is called by whoever is going to wait for the future. It reports whether that is the owner, who would wait for itself.
	// If firmly is set, the wait is under a context that is never done: the owner may do there and then what settles the future.
	Awaited(firmly bool) (itself bool)

	listener
}

// Owned is to be embedded in owners. It takes no room.
type Owned struct{}

func (Owned) hear(*delivery) bool         { return false }
func (Owned) over() bool                  { return false }
func (Owned) call() *node                 { return nil }
func (Owned) fail(*delivery, error)       {}
func (Owned) abandon(*delivery, *verdict) {}

// SetOwner says who is to be told of a cancellation. It must be called before the future is given to anybody.
func (p *Promise[T]) SetOwner(o Owner) { p.f.self = o }
