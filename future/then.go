package future

// Then returns the future of fn's results, to which it applies the value of f. If f fails, so does the new future, with the
// same error, and fn is not called. It does not block.
//
// # Where callbacks run
//
// fn is called once f has a value, never before, and never by Then, Resolve or whoever else settles f: it runs as a task of
// the scheduler on whose worker f was settled, and on a goroutine of its own if that was elsewhere, or f had a value already when
// Then was called on a plain goroutine. It may wait in any way that a task may. Callbacks of one future run in no particular
// order and may run at the same time, but a chain of them stays in one task. If the scheduler is closed before fn has begun,
// the new future fails with its error.
//
// A panic of fn rejects the new future with a [*worker.PanicError], runtime.Goexit with [worker.ErrGoexit].
//
// # Cancelling
//
// Cancelling the new future cancels f as well (see [Shield]); if fn has begun, its results are dropped.
//
// What happened before f was settled happens before fn, and fn before the return of an Await of the new future. A link of a
// chain costs an allocation and about 60 ns, a callback that is not the only one of its future some 200 ns more.
func Then[T, U any](f *Future[T], fn func(T) (U, error)) *Future[U] {
	if fn == nil {
		panic("future: Then with a nil function")
	}
	l := &then[T, U]{}
	l.fn, l.src = fn, f
	l.self = l
	attach(&f.core, &l.node)
	return &l.Future
}

// Map is [Then] for a function that cannot fail.
func Map[T, U any](f *Future[T], fn func(T) U) *Future[U] {
	if fn == nil {
		panic("future: Map with a nil function")
	}
	l := &mapped[T, U]{}
	l.fn, l.src = fn, f
	l.self = l
	attach(&f.core, &l.node)
	return &l.Future
}

// Recover returns the future of f's value, or, if f fails, of fn's results, to which it applies the error. If f is cancelled,
// that is an error like others. In all else it is like [Then].
func Recover[T any](f *Future[T], fn func(error) (T, error)) *Future[T] {
	if fn == nil {
		panic("future: Recover with a nil function")
	}
	l := &recovered[T]{}
	l.fn, l.src = fn, f
	l.self = l
	attach(&f.core, &l.node)
	return &l.Future
}

// Shield returns a future with the outcome of f, whose cancellation does not cancel f. Use it to give a future that is shared
// to what cancels its sources: All, Any, Race, Timeout, or a derived future that is cancelled.
func Shield[T any](f *Future[T]) *Future[T] {
	l := &shield[T]{}
	l.src = f
	l.self = l
	attach(&f.core, &l.node)
	return &l.Future
}

// attach makes a new future listen to its source.
func attach(source *core, n *node) {
	if !source.listen(n) {
		spread(n)
	}
}

// A link is a future that is derived from one other, by a function of type F if there is one.
type link[T, U, F any] struct {
	Future[U]

	// They belong to whoever claims the future: who is told that the source is settled, or before that, who has cancelled the future. He
	// clears them when he is done, so that a chain does not keep its beginning alive, nor a future that was cancelled anything.
	fn  F
	src *Future[T]
}

func (l *link[T, U, F]) release() {
	var none F
	l.fn, l.src = none, nil
}

// finish settles the future by its source or a callback.
func (l *link[T, U, F]) finish(value U, v *verdict) (listeners *node) {
	l.release()
	listeners, _ = l.fulfil(value, v)
	return listeners
}

// pass settles the future with the verdict of its source, or of a callback.
func (l *link[T, U, F]) pass(d *delivery, v *verdict) {
	var none U
	d.tell(l.finish(none, v))
}

func (l *link[T, U, F]) over() bool { return l.isFinal() }

func (l *link[T, U, F]) call() *node { return nil }

func (l *link[T, U, F]) fail(d *delivery, err error) { l.pass(d, failed(err)) }

// abandon cancels the source, unless that is settled: then somebody else has the link, or is about to.
func (l *link[T, U, F]) abandon(d *delivery, v *verdict) {
	if l.claim() {
		d.cancel(&l.src.core, v)
		l.release()
	}
}

func (l *link[T, U, F]) hear(d *delivery) (due bool) {
	if !l.claim() {
		return false
	}
	v := l.src.verdict()
	if v == nil {
		return true
	}
	l.pass(d, v)
	return false
}

// cancelled reports whether a call is too late.
func (l *link[T, U, F]) cancelled() bool {
	if !l.isFinal() {
		return false
	}
	l.release()
	return true
}

type then[T, U any] struct {
	link[T, U, func(T) (U, error)]
}

func (l *then[T, U]) call() *node {
	if l.cancelled() {
		return nil
	}
	value, err := l.fn(l.src.value)
	return l.finish(value, verdictFor(err))
}

// verdictFor returns the verdict of a callback that has returned err.
func verdictFor(err error) *verdict {
	if err == nil {
		return nil
	}
	return failed(err)
}

type mapped[T, U any] struct {
	link[T, U, func(T) U]
}

func (l *mapped[T, U]) call() *node {
	if l.cancelled() {
		return nil
	}
	return l.finish(l.fn(l.src.value), nil)
}

type recovered[T any] struct {
	link[T, T, func(error) (T, error)]
}

func (l *recovered[T]) hear(d *delivery) (due bool) {
	if !l.claim() {
		return false
	}
	if l.src.verdict() != nil {
		return true
	}
	d.tell(l.finish(l.src.value, nil))
	return false
}

func (l *recovered[T]) call() *node {
	if l.cancelled() {
		return nil
	}
	value, err := l.fn(l.src.verdict().look())
	return l.finish(value, verdictFor(err))
}

type shield[T any] struct{ link[T, T, struct{}] }

func (l *shield[T]) hear(d *delivery) (due bool) {
	if l.link.hear(d) {
		d.tell(l.finish(l.src.value, nil))
	}
	return false
}

func (l *shield[T]) abandon(*delivery, *verdict) {
	if l.claim() {
		l.src.forget()
		l.release()
	}
}
