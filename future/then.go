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
	l := &then[T, U]{fn: fn}
	l.src = f
	l.self = l
	attach(&f.core, &l.node)
	return &l.Future
}

// Map is [Then] for a function that cannot fail.
func Map[T, U any](f *Future[T], fn func(T) U) *Future[U] {
	if fn == nil {
		panic("future: Map with a nil function")
	}
	l := &mapped[T, U]{fn: fn}
	l.src = f
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
	l := &recovered[T]{fn: fn}
	l.src = f
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

// A link is a future that is derived from one other.
type link[T, U any] struct {
	Future[U]
	// src is written when the future is settled by hear or call, and read by them and by whoever has cancelled the future:
	// only one of the two happens.
	src *Future[T]
}

// finish settles the future by its source or a callback.
func (l *link[T, U]) finish(value U, v *verdict) (listeners *node, ok bool) {
	listeners, ok = l.fulfil(value, v)
	if ok {
		l.src = nil // so that a chain does not keep its beginning alive
	}
	return listeners, ok
}

// pass settles the future with the verdict of its source, or of a callback.
func (l *link[T, U]) pass(d *delivery, v *verdict) {
	var none U
	listeners, _ := l.finish(none, v)
	d.tell(listeners)
}

func (l *link[T, U]) over() bool { return l.isFinal() }

func (l *link[T, U]) call() *node { return nil }

func (l *link[T, U]) fail(d *delivery, err error) { l.pass(d, failed(err)) }

func (l *link[T, U]) abandon(d *delivery, v *verdict) { d.cancel(&l.src.core, v) }

func (l *link[T, U]) hear(d *delivery) (due bool) {
	v := l.src.verdict()
	if v == nil {
		return true
	}
	l.pass(d, v)
	return false
}

type then[T, U any] struct {
	link[T, U]
	fn func(T) (U, error)
}

func (l *then[T, U]) call() *node {
	if l.isFinal() {
		return nil
	}
	value, err := l.fn(l.src.value)
	var v *verdict
	if err != nil {
		v = failed(err)
	}
	listeners, ok := l.finish(value, v)
	if ok {
		l.fn = nil
	}
	return listeners
}

type mapped[T, U any] struct {
	link[T, U]
	fn func(T) U
}

func (l *mapped[T, U]) call() *node {
	if l.isFinal() {
		return nil
	}
	listeners, ok := l.finish(l.fn(l.src.value), nil)
	if ok {
		l.fn = nil
	}
	return listeners
}

type recovered[T any] struct {
	link[T, T]
	fn func(error) (T, error)
}

func (l *recovered[T]) hear(d *delivery) (due bool) {
	if l.src.verdict() != nil {
		return true
	}
	listeners, _ := l.finish(l.src.value, nil)
	d.tell(listeners)
	return false
}

func (l *recovered[T]) call() *node {
	if l.isFinal() {
		return nil
	}
	value, err := l.fn(l.src.verdict().look())
	var v *verdict
	if err != nil {
		v = failed(err)
	}
	listeners, ok := l.finish(value, v)
	if ok {
		l.fn = nil
	}
	return listeners
}

type shield[T any] struct{ link[T, T] }

func (l *shield[T]) hear(d *delivery) (due bool) {
	if v := l.src.verdict(); v != nil {
		l.pass(d, v)
		return false
	}
	listeners, _ := l.finish(l.src.value, nil)
	d.tell(listeners)
	return false
}

func (l *shield[T]) abandon(*delivery, *verdict) { l.src.forget() }
