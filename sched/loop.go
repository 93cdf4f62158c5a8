package sched

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// Loops over items that are fast split lazily (Tzannes, Caragea, Barua and Vishkin 2010, "Lazy binary-splitting"): a task goes
// through its span of indices, and forks off the upper half of what is left only when somebody wants work. While all workers are
// busy nothing is split, and there is no grain to choose. Over slow items that would leave thieves waiting for the end of one, so
// there a fork comes before each: see docs/decisions/0020-loops-over-slow-items.md.

// A span is a part of a loop, a fork's argument.
type span struct {
	loop   *loop
	lo, hi int
}

var spans = NewFork[span, struct{}]()

// A loop is what all spans of one loop share.
type loop struct {
	ctx  context.Context
	item func(i int)               // For
	body func(t *Task, lo, hi int) // the others
	last func()                    // or nil: what the task that began the loop calls when all calls have returned

	pace     atomic.Int32 // items to a chunk; 0 as long as nothing is known
	failedAt atomic.Int64 // the lowest index that failed, or more than any
	mu       sync.Mutex
	failure  *PanicError // what failed there
	err      error
}

// For calls f(i) for each i in [0, n), possibly at the same time and in any order, and returns when all calls have. Called from
// a goroutine, it blocks that goroutine; called inside a task, the task makes some of the calls itself. A call must not wait for what
// another one does.
//
// If ctx is done, no further calls begin, and For returns ctx's error. If calls panic, those of higher indices that have not
// begun are dropped, those of lower ones are made, and For panics with the [*PanicError] of the lowest index that panicked:
// the same one whatever the number of workers.
//
// What happened before For happens before each call, and each call before For's return. For allocates once or twice, not for
// each item; the loop itself costs less than 1 ns an item. A call of f cannot be interrupted: a long one should look at the context.
func For(ctx context.Context, n int, f func(i int)) error {
	if f == nil {
		panic("pinwheel: For with a nil function")
	}
	return (&loop{item: f}).run(ctx, n)
}

// ForRange calls f on spans [lo, hi) that together are [0, n), like [For]. How long the spans are adapts to how long the calls
// take: they start with one index and aim at some microseconds. It is for bodies that are cheaper by the dozen, and
// for those that fork, or wait: t is the task that runs the span.
func ForRange(ctx context.Context, n int, f func(t *Task, lo, hi int)) error {
	if f == nil {
		panic("pinwheel: ForRange with a nil function")
	}
	return (&loop{body: f}).run(ctx, n)
}

// Map returns f of each element of xs, in order. f is called as For calls it.
//
// If f returns an error, Map returns that of the lowest index that failed, and nil; calls of higher indices that have not begun
// are dropped. It returns ctx's error if ctx is done, and panics as For does. Besides the result it allocates once or twice.
func Map[T, R any](ctx context.Context, xs []T, f func(t *Task, x T) (R, error)) ([]R, error) {
	if f == nil {
		panic("pinwheel: Map with a nil function")
	}
	out := uncleared[R](len(xs))
	l := &loop{}
	l.body = func(t *Task, lo, hi int) {
		if i, err := mapEach(t, out[lo:hi], xs[lo:hi], f); err != nil {
			l.fail(lo+i, nil, err)
		}
	}
	if err := l.run(ctx, len(xs)); err != nil {
		return nil, err
	}
	return out, nil
}

// mapEach sets out, up to the first element that fails. The calls are written out for the reason given at [batch].
func mapEach[T, R any](t *Task, out []R, xs []T, f func(t *Task, x T) (R, error)) (failed int, err error) {
	i := 0
	for ; len(xs)-i >= batch && len(out)-i >= batch; i += batch {
		x, y := (*[batch]T)(xs[i:]), (*[batch]R)(out[i:])
		if y[0], err = f(t, x[0]); err != nil {
			return i, err
		}
		if y[1], err = f(t, x[1]); err != nil {
			return i + 1, err
		}
		if y[2], err = f(t, x[2]); err != nil {
			return i + 2, err
		}
		if y[3], err = f(t, x[3]); err != nil {
			return i + 3, err
		}
		if y[4], err = f(t, x[4]); err != nil {
			return i + 4, err
		}
		if y[5], err = f(t, x[5]); err != nil {
			return i + 5, err
		}
		if y[6], err = f(t, x[6]); err != nil {
			return i + 6, err
		}
		if y[7], err = f(t, x[7]); err != nil {
			return i + 7, err
		}
	}
	for ; i < len(xs); i++ {
		if out[i], err = f(t, xs[i]); err != nil {
			return i, err
		}
	}
	return i, nil
}

// never is an index that does not fail.
const never = int64(^uint64(0) >> 1)

func (l *loop) run(ctx context.Context, n int) error {
	if n < 0 {
		panic("pinwheel: a loop over a negative number of items")
	}
	if err := ctx.Err(); err != nil || n == 0 {
		return err
	}
	l.failedAt.Store(never)
	if t, _ := where(ctx); t != nil {
		l.ctx = ctx
		l.whole(t, n)
	} else {
		_, err := runIn(ctx, func(t *Task) (struct{}, error) {
			l.ctx = t
			l.whole(t, n)
			return struct{}{}, nil
		}, l.code())
		if err != nil && l.failure == nil {
			return err
		}
	}
	if l.failure != nil {
		l.failure.Raise()
	}
	if l.err != nil {
		return l.err
	}
	return nil
}

// whole goes through [0, n), and then calls last, unless something has failed.
func (l *loop) whole(t *Task, n int) {
	l.span(t, 0, n)
	if l.last != nil && l.failedAt.Load() == never {
		l.body = func(*Task, int, int) { l.last() }
		l.chunk(t, n, n+1)
	}
}

// code tells loops apart by what they call.
func (l *loop) code() worker.Code {
	if l.item != nil {
		return codeOf(l.item)
	}
	return codeOf(l.body)
}

// fail records a failure, unless one of a lower index is known.
func (l *loop) fail(i int, failure *PanicError, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at := int64(i); at < l.failedAt.Load() {
		l.failure, l.err = failure, err
		l.failedAt.Store(at)
	}
}

const (
	chunkTime = 5 * time.Microsecond // what a call of a body should take
	mostChunk = 1 << 16
	slow      = 1 // the pace of items that take as long as a chunk should, or longer
)

func runSpan(t *Task, s span) struct{} {
	s.loop.span(t, s.lo, s.hi)
	return struct{}{}
}

// span goes through [lo, hi). Before an item that is slow, or the first one, of which nothing is known, it forks off the upper half,
// again and again: what the item's worker cannot run meanwhile, others can. Otherwise it does so only for who asks.
func (l *loop) span(t *Task, lo, hi int) {
	for lo < hi {
		if hi-lo > 1 && (l.pace.Load() <= slow || t.Attention()) {
			mid := lo + (hi-lo)/2
			f := spans.Fork(t, runSpan, span{l, mid, hi})
			l.span(t, lo, mid)
			f.Join(t)
			return
		}
		lo = l.stretch(t, lo, hi)
	}
}

// stretch goes through [lo, hi) chunk by chunk, until it is time to fork, and returns the index to go on with.
func (l *loop) stretch(t *Task, lo, hi int) int {
	pace := l.pace.Load()
	start := atom.Now()
	for {
		if pace <= slow {
			if t.Attention() {
				t.SafePoint()
			}
			if pace == slow {
				t.ExposeAll()
			}
		}
		if int64(lo) > l.failedAt.Load() {
			return hi
		}
		if err := l.ctx.Err(); err != nil {
			l.fail(lo, nil, err)
			return hi
		}
		chunk := max(1, int(pace))
		full := hi-lo >= chunk // lo+chunk may be more than an int can be
		if !full {
			chunk = hi - lo
		}
		next := l.chunk(t, lo, lo+chunk)
		end := atom.Now()
		if full && next == lo+chunk {
			pace = l.learn(pace, end-start)
		}
		lo, start = next, end
		if lo == hi || pace <= slow || t.Attention() {
			return lo
		}
	}
}

// learn adapts the pace to how long a chunk took.
func (l *loop) learn(pace int32, took time.Duration) int32 {
	was := pace
	switch {
	case took < chunkTime/2 && pace < mostChunk:
		pace = 2 * max(1, pace)
	case took > 2*chunkTime:
		pace = max(slow, pace/2)
	case pace == 0:
		pace = slow
	}
	if pace != was {
		l.pace.Store(pace)
	}
	return pace
}

// chunk goes through [lo, hi), or the beginning of it if somebody wants attention, and returns the index to go on with. A
// failure counts as lo's: no other chunk has an index between lo and the one that failed, so the order is right.
func (l *loop) chunk(t *Task, lo, hi int) (next int) {
	defer func() {
		if next == 0 { // it did not return
			next = hi
			if r := recover(); r != nil {
				l.fail(lo, t.Caught(r), nil)
			} else {
				l.fail(lo, nil, ErrGoexit)
			}
		}
	}()
	if l.item == nil {
		l.body(t, lo, hi)
		return hi
	}
	return each(t, l.item, lo, hi)
}

// batch is how many items are run between two looks at the attention word, where a chunk has as many: it does not have them
// if they are slow. The calls are written out because the compiler keeps a loop's index in memory across a call. Writing it
// and reading it again takes longer than the call.
const batch = 8

// each is apart from chunk because a function with a deferred call keeps its variables in memory.
func each(t *Task, item func(i int), lo, hi int) int {
	for hi-lo >= batch {
		item(lo)
		item(lo + 1)
		item(lo + 2)
		item(lo + 3)
		item(lo + 4)
		item(lo + 5)
		item(lo + 6)
		item(lo + 7)
		if lo += batch; t.Attention() {
			return lo
		}
	}
	for lo < hi {
		item(lo)
		if lo++; t.Attention() {
			break
		}
	}
	return lo
}
