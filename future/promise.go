package future

// A Promise is the writing end of a [Future]. The zero value is ready for use; it must not be copied.
type Promise[T any] struct {
	f     Future[T]
	owner Owner
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

// An Owner is what is going to settle a promise.
type Owner interface {
	// Cancelled is called when the future has been cancelled, once, by whoever cancels it. It must not block.
	Cancelled(cause error)
	// RunsHere reports whether the caller is the owner, who would wait for itself if it awaited the future.
	RunsHere() bool
}

// SetOwner says who is to be told of a cancellation. It must be called before the future is given to anybody.
func (p *Promise[T]) SetOwner(o Owner) {
	p.owner = o
	p.f.self = p
}

type owned interface{ runsHere() bool }

func (p *Promise[T]) runsHere() bool { return p.owner.RunsHere() }

func (p *Promise[T]) abandon(_ *delivery, v *verdict) { p.owner.Cancelled(v.err) }

func (p *Promise[T]) hear(*delivery) bool   { return false }
func (p *Promise[T]) over() bool            { return false }
func (p *Promise[T]) call() *node           { return nil }
func (p *Promise[T]) fail(*delivery, error) {}
