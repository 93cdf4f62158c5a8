package sched

import (
	"context"
	"errors"
	"iter"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/lock"
)

// Collect returns all elements of source, or those before its first error, and that error.
func Collect[T any](source iter.Seq2[T, error]) (all []T, err error) {
	for x, err := range source {
		if err != nil {
			return all, err
		}
		all = append(all, x)
	}
	return all, nil
}

// Chunk gathers n elements of source at a time; the last chunk may be shorter. Each chunk is a slice of its own. An error of source
// comes after the elements before it. It starts nothing. It panics if n is less than 1.
func Chunk[T any](source iter.Seq2[T, error], n int) iter.Seq2[[]T, error] {
	if source == nil || n < 1 {
		panic("pinwheel: Chunk of a nil source, or by less than 1")
	}
	return func(yield func([]T, error) bool) {
		var chunk []T
		for x, err := range source {
			if err != nil {
				if len(chunk) == 0 || yield(chunk, nil) {
					yield(nil, err)
				}
				return
			}
			if chunk = append(chunk, x); len(chunk) == n {
				if !yield(chunk, nil) {
					return
				}
				chunk = make([]T, 0, n)
			}
		}
		if len(chunk) > 0 {
			yield(chunk, nil)
		}
	}
}

// ReduceWindows cuts source into windows of n elements, which do not overlap, and yields for each window its elements folded
// from zero. The last window may be shorter. It is a [Chunk] and, by [Then], a stage whose items are the chunks, and takes the
// options of such a stage. It panics if n is less than 1 or fold is nil.
func ReduceWindows[T, A any](source iter.Seq2[T, error], n int, zero A, fold func(acc A, x T) A, opts ...StreamOption) iter.Seq2[A, error] {
	if fold == nil {
		panic("pinwheel: ReduceWindows with a nil function")
	}
	return Then(Chunk(source, n), func(_ *Task, xs []T) (A, error) {
		acc := zero
		for _, x := range xs {
			acc = fold(acc, x)
		}
		return acc, nil
	}, opts...)
}

// shapeQueue is how many elements wait for each reader or writer of Merge, Split and Tee.
const shapeQueue = 64

// Merge yields the elements of all sources as they come; those of one source stay in order. Each source runs on a goroutine of
// its own; a slow loop holds them up. The first error of a source, or its panic as a [*PanicError], ends the merged sequence
// and is its last pair; so does the error of ctx, when ctx is done. When the loop ends, Merge tells all sources to stop at
// their next element, and waits for that.
func Merge[T any](ctx context.Context, sources ...iter.Seq2[T, error]) iter.Seq2[T, error] {
	for _, s := range sources {
		if s == nil {
			panic("pinwheel: Merge of a nil source")
		}
	}
	return func(yield func(T, error) bool) {
		type element struct {
			x   T
			err error
		}
		inner, cancel := context.WithCancel(ctx)
		q := lock.NewQueue[element](shapeQueue * max(1, len(sources)))
		var (
			c    crew
			open atom.Int64
		)
		defer c.wait()
		defer cancel()
		c.live.Store(int64(len(sources)))
		open.Store(int64(len(sources)))
		for _, source := range sources {
			c.start(func() error {
				for x, err := range source {
					if q.Send(inner, element{x, err}) != nil || err != nil {
						return nil
					}
				}
				return nil
			}, func(err error) {
				if err != nil {
					_ = q.Send(inner, element{err: err}) // which fails only if nobody receives
				}
				if open.Add(-1) == 0 {
					q.Close()
				}
			})
		}
		if len(sources) == 0 {
			q.Close()
		}
		for e, err := range q.All(inner) {
			if err == nil {
				err = e.err
			}
			if !yield(e.x, err) || err != nil {
				return
			}
		}
		if err := ctx.Err(); err != nil { // which may have ended the sources, and so closed the queue
			var none T
			yield(none, err)
		}
	}
}

// Split deals the elements of source out to consumers: each element goes to one of them, whichever is ready. The consumers run
// at the same time, each on a goroutine of its own; the caller ranges over source. Split returns when all consumers have
// returned, with the first error. That is an error of a consumer, which ends the others; of source, which every consumer gets
// after the elements before it; of ctx; or a panic as a [*PanicError]. A consumer may return before the end; when all have
// returned, source is told to stop.
func Split[T any](ctx context.Context, source iter.Seq2[T, error], consumers ...func(part iter.Seq2[T, error]) error) error {
	return deal(ctx, source, consumers, 1)
}

// Tee gives every element of source to every consumer. In all else it is like [Split]. The slowest consumer sets the pace.
func Tee[T any](ctx context.Context, source iter.Seq2[T, error], consumers ...func(all iter.Seq2[T, error]) error) error {
	return deal(ctx, source, consumers, len(consumers))
}

// deal sends the elements of source to each of some queues, of which the consumers take turns to have one.
func deal[T any](ctx context.Context, source iter.Seq2[T, error], consumers []func(iter.Seq2[T, error]) error, queues int) error {
	if source == nil || len(consumers) == 0 {
		panic("pinwheel: Split or Tee of a nil source, or without consumers")
	}
	for _, f := range consumers {
		if f == nil {
			panic("pinwheel: Split or Tee with a nil consumer")
		}
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	qs := make([]*lock.Queue[T], queues)
	readers := make([]atom.Int64, queues)
	for i := range qs {
		qs[i] = lock.NewQueue[T](shapeQueue)
	}
	var (
		c         crew
		sourceErr error // before the queues are closed
	)
	defer c.wait() // also if source panics
	c.live.Store(int64(len(consumers)))
	for i := range consumers {
		readers[i%queues].Add(1)
	}
	for i, consumer := range consumers {
		q := qs[i%queues]
		part := func(yield func(T, error) bool) {
			for x, err := range q.All(inner) {
				if err != nil {
					err = whyEnded(inner)
				}
				if !yield(x, err) || err != nil {
					return
				}
			}
			if err := sourceErr; err != nil {
				var none T
				yield(none, err)
			}
		}
		c.start(func() error { return consumer(part) }, func(err error) {
			if err != nil {
				cancel(fault{err})
			}
			if readers[i%queues].Add(-1) == 0 {
				q.Close() // nobody wants more
			}
		})
	}
	returned := false
	defer func() {
		if !returned {
			cancel(context.Canceled)
		}
	}()
	sourceErr = pour(inner, source, qs)
	returned = true
	for _, q := range qs {
		q.Close()
	}
	c.wait()
	if err := whyEnded(inner); err != nil {
		return err
	}
	return sourceErr
}

// A fault is the error of a consumer, as the cause of the others' end.
type fault struct{ error }

// whyEnded returns the error of a consumer that has ended ctx, or ctx's own.
func whyEnded(ctx context.Context) error {
	if f, ok := context.Cause(ctx).(fault); ok { //nolint:errorlint // it is never wrapped
		return f.error
	}
	return ctx.Err()
}

// pour sends all elements to all queues that are open, until none is.
func pour[T any](ctx context.Context, source iter.Seq2[T, error], qs []*lock.Queue[T]) error {
	for x, err := range source {
		if err != nil {
			return err
		}
		open := 0
		for _, q := range qs {
			switch err := q.Send(ctx, x); {
			case err == nil:
				open++
			case !errors.Is(err, lock.ErrClosed):
				return err
			}
		}
		if open == 0 {
			return nil
		}
	}
	return nil
}

// A crew is some goroutines that are awaited.
type crew struct {
	live  atom.Int64
	ended bell
}

// start runs f on a goroutine, then done with its error or its panic. It is to be counted in live before.
func (c *crew) start(f func() error, done func(err error)) {
	go func() {
		returned := false
		var err error
		defer func() {
			if !returned {
				err = recovered(recover())
			}
			done(err)
			if c.live.Add(-1) == 0 {
				c.ended.ring()
			}
		}()
		err = f()
		returned = true
	}()
}

func (c *crew) wait() {
	over := func() bool { return c.live.Load() == 0 }
	for !over() {
		c.ended.wait(over)
	}
}
