package future

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/park"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// ErrNotNeeded is the error of futures that All, Any or Race has cancelled, because its own outcome is decided without them. It
// is a [context.Canceled].
var ErrNotNeeded = fmt.Errorf("future: not needed any more: %w", context.Canceled)

// ErrNone is the error of Any and Race of no futures.
var ErrNone = errors.New("future: there is none to choose from")

// A Result is the outcome of a future: Err, or Value if that is nil.
type Result[T any] struct {
	Value T
	Err   error
}

// All returns the future of the values of all sources, in their order. If one fails, All fails with the error of the first that
// did, in time, and cancels the others. Cancelling the new future cancels all sources. (See [Shield] for sources that others
// need.)
//
// It costs four allocations, and no goroutine or task.
func All[T any](sources ...*Future[T]) *Future[[]T] {
	a := &all[T]{values: make([]T, len(sources))}
	a.gather(a, sources)
	return &a.Future
}

type all[T any] struct {
	gathering[T, []T]
	values []T
}

func (a *all[T]) add(d *delivery, i int, source *Future[T]) {
	if v := source.verdict(); v != nil {
		a.decide(d, nil, v)
	} else {
		a.values[i] = source.value
	}
	a.done(d)
}

func (a *all[T]) last(d *delivery) {
	values := a.values
	a.values = nil // if All has failed, or been cancelled, nobody wants them
	a.decide(d, values, nil)
}

// AllSettled returns the future of the outcomes of all sources, in their order. It does not fail. Cancelling it cancels all
// sources.
func AllSettled[T any](sources ...*Future[T]) *Future[[]Result[T]] {
	a := &allSettled[T]{results: make([]Result[T], len(sources))}
	a.gather(a, sources)
	return &a.Future
}

type allSettled[T any] struct {
	gathering[T, []Result[T]]
	results []Result[T]
}

func (a *allSettled[T]) add(d *delivery, i int, source *Future[T]) {
	r := &a.results[i]
	r.Value, r.Err = source.outcome()
	a.done(d)
}

func (a *allSettled[T]) last(d *delivery) {
	results := a.results
	a.results = nil
	a.decide(d, results, nil)
}

// Any returns the future of the first value that a source has, in time, and cancels the others then. If all sources fail, it
// fails with their errors joined in their order ([errors.Join]), without any source with [ErrNone]. Cancelling it cancels all
// sources.
func Any[T any](sources ...*Future[T]) *Future[T] {
	a := &anyOf[T]{errs: make([]error, len(sources))}
	a.gather(a, sources)
	return &a.Future
}

type anyOf[T any] struct {
	gathering[T, T]
	errs []error
}

func (a *anyOf[T]) add(d *delivery, i int, source *Future[T]) {
	if v := source.verdict(); v != nil {
		a.errs[i] = v.look()
	} else {
		a.decide(d, source.value, nil)
	}
	a.done(d)
}

func (a *anyOf[T]) last(d *delivery) {
	errs := a.errs
	a.errs = nil
	if a.isFinal() {
		return
	}
	err := errors.Join(errs...)
	if err == nil {
		err = ErrNone
	}
	var none T
	a.decide(d, none, failed(err))
}

// Race returns the future of the first outcome that a source has, in time, be it a value or an error, and cancels the others
// then. Without any source it fails with [ErrNone]. Cancelling it cancels all sources.
func Race[T any](sources ...*Future[T]) *Future[T] {
	r := &race[T]{}
	r.gather(r, sources)
	return &r.Future
}

type race[T any] struct{ gathering[T, T] }

func (r *race[T]) add(d *delivery, i int, source *Future[T]) {
	if v := source.verdict(); v != nil {
		var none T
		r.decide(d, none, v)
		return
	}
	r.decide(d, source.value, nil)
}

func (r *race[T]) last(d *delivery) {
	var none T
	r.decide(d, none, failed(ErrNone))
}

var notNeeded = newVerdict(ErrNotNeeded)

// A gathering is a future that is derived from several.
type gathering[T, U any] struct {
	Future[U]
	of    combinator[T]
	left  atom.Int64  // sources that done has not been called for
	slots []source[T] // belongs to whoever settles the future, by decide or a cancellation
}

// A combinator is the part of a gathering that makes the difference.
type combinator[T any] interface {
	listener
	add(d *delivery, i int, source *Future[T]) // a source is settled
	last(d *delivery)                          // no source is left
}

// A source is the place of a future in a gathering.
type source[T any] struct {
	plain
	node
	of combinator[T]
	f  *Future[T]
	i  int
}

func (s *source[T]) hear(d *delivery) bool { s.of.add(d, s.i, s.f); return false }
func (s *source[T]) over() bool            { return s.of.over() }

// gather starts to listen to all sources.
func (g *gathering[T, U]) gather(of combinator[T], sources []*Future[T]) {
	g.of, g.self = of, of
	g.slots = make([]source[T], len(sources))
	g.left.Store(int64(len(sources)) + 1) // one for this function
	slots := g.slots
	for i, f := range sources {
		s := &slots[i]
		s.self, s.of, s.f, s.i = s, of, f, i
	}
	d := &delivery{}
	for i := range slots {
		s := &slots[i]
		if !s.f.listen(&s.node) {
			d.news.push(&s.node)
		}
	}
	d.run()
	g.done(d)
	d.finish()
}

// done counts a source, and decides if it was the last.
func (g *gathering[T, U]) done(d *delivery) {
	if g.left.Add(-1) == 0 {
		g.of.last(d)
	}
}

// decide settles the future, unless it is settled or cancelled, and cancels the sources that are left.
func (g *gathering[T, U]) decide(d *delivery, value U, v *verdict) {
	if !g.claim() {
		return
	}
	if listeners, ok := g.fulfil(value, v); ok {
		d.tell(listeners)
		g.cancelSources(d, notNeeded)
	}
}

// cancelSources cancels all sources that are not settled.
func (g *gathering[T, U]) cancelSources(d *delivery, v *verdict) {
	for i := range g.slots {
		if c := &g.slots[i].f.core; !c.isFinal() {
			d.cancel(c, v)
		}
	}
	g.slots = nil
}

func (g *gathering[T, U]) hear(*delivery) bool             { return false }
func (g *gathering[T, U]) over() bool                      { return g.isFinal() }
func (g *gathering[T, U]) call() *node                     { return nil }
func (g *gathering[T, U]) fail(*delivery, error)           {}
func (g *gathering[T, U]) abandon(d *delivery, v *verdict) { g.cancelSources(d, v) }

// AsCompleted yields the outcomes of the sources in the order in which they are settled. If ctx is done while it waits, it
// yields ctx's error and ends. Leaving the loop cancels nothing: use [Future.Cancel] for what is not needed any more.
//
// The loop suspends its task, or blocks its goroutine, between outcomes.
func AsCompleted[T any](ctx context.Context, sources ...*Future[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		c := &completion[T]{slots: make([]source[T], len(sources))}
		defer c.end()
		for i, f := range sources {
			s := &c.slots[i]
			s.self, s.of, s.f, s.i = s, c, f, i
			if !f.listen(&s.node) {
				c.add(nil, i, f)
			}
		}
		for range sources {
			s, err := c.next(ctx)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			if !yield(s.f.outcome()) {
				return
			}
		}
	}
}

// A completion is a loop over outcomes.
type completion[T any] struct {
	plain
	slots   []source[T]
	guard   park.Guard
	settled queue        // of slots
	waiter  *park.Waiter // the loop's
	left    atom.Bool
}

func (c *completion[T]) hear(*delivery) bool { return false }
func (c *completion[T]) over() bool          { return c.left.Load() }
func (c *completion[T]) last(*delivery)      {}

func (c *completion[T]) add(_ *delivery, i int, _ *Future[T]) {
	c.guard.Lock()
	c.settled.push(&c.slots[i].node)
	w := c.waiter
	c.waiter = nil
	c.guard.Unlock()
	if w != nil {
		w.Wake()
	}
}

func (c *completion[T]) next(ctx context.Context) (*source[T], error) {
	for {
		c.guard.Lock()
		if n := c.settled.pop(); n != nil {
			c.guard.Unlock()
			return n.self.(*source[T]), nil
		}
		w := &park.Waiter{}
		w.Init(ctx)
		w.For(worker.ForFuture, c)
		c.waiter = w
		c.guard.Unlock()
		if err := w.Wait(ctx); err != nil {
			return nil, err
		}
	}
}

// end stops listening.
func (c *completion[T]) end() {
	c.left.Store(true)
	for i := range c.slots {
		if f := c.slots[i].f; f != nil && !f.isFinal() {
			f.forget()
		}
	}
}
