package sched

import (
	"context"
	"iter"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// Streams. An item goes from the source, which one goroutine pulls, through the functions of all stages, which tasks call, to
// the loop that ranges over the results.
//
//	source --> inputs --> tasks: the functions of all stages --> results --> the consumer's loop
//	  ^                                                                         |
//	  +------------------- room: not more items than the window ----------------+
//
//	streamflow.go   what one run of a stream shares: the window, stopping, the two waits
//	streamlane.go   inputs, and the tasks that take spans of them
//	streamresult.go results, and the consumer
//	streamfuse.go   how stages that follow each other become one
//
// The source runs on a goroutine of its own, not on a worker: it may block natively for as long as it likes, and it cannot get
// stuck behind a slow item, as it would on a fiber, which cannot change workers
// (docs/decisions/0008-source-of-a-stream.md).

// Stream calls fn for each element of source, in tasks, and returns the results in the order of the source.
//
//	for page, err := range sched.Stream(ctx, source, parse) { ... }
//
// It begins when the sequence is ranged over, and anew each time. Source, calls and loop run at the same time; the source runs
// on a goroutine of its own, where it may block. Between the source and the loop there are never more items than the window
// ([Window]), so a slow loop holds up the source. The options [Unordered] and [Keyed] give up order for speed; [Then] adds a
// stage.
//
// The first error in order ends the stream: it is the last pair, with the zero R. That is an error of fn, a panic of fn or of
// the source as a [*PanicError], [ErrGoexit], ctx's error, or [ErrClosed] if the scheduler is closed. Items behind it that have
// not begun are dropped; [DeadLetter] and [Retry] deal with errors of single items.
//
// When the loop ends, by an error, break, return or a panic, nothing is left running: the context of the calls is cancelled,
// the source is told to stop at its next element, and what has begun is awaited. A source that may block for long should
// therefore watch ctx, or be a channel ([StreamChan]). Stream panics at once if source or fn is nil, or an option is wrong.
//
// What the source did before it yielded x happens before fn(x), and what fn did happens before the loop has the result. An item
// costs about 50 ns besides fn, without an allocation of its own; a stream costs some microseconds.
func Stream[T, R any](ctx context.Context, source iter.Seq[T], fn func(t *Task, x T) (R, error), opts ...StreamOption) iter.Seq2[R, error] {
	if source == nil {
		panic("pinwheel: Stream of a nil source")
	}
	s := newStage("Stream", fn, opts)
	s.ctx = ctx
	s.pull = func(_ *flow, push func(T, error) bool) {
		source(func(x T) bool { return push(x, nil) })
	}
	return s.seq
}

// Stream2 is [Stream] for a source whose elements may be errors. Such an error ends the stream after the results of the elements
// before it, unless there is a [DeadLetter], which gets it.
func Stream2[T, R any](ctx context.Context, source iter.Seq2[T, error], fn func(t *Task, x T) (R, error), opts ...StreamOption) iter.Seq2[R, error] {
	if source == nil {
		panic("pinwheel: Stream2 of a nil source")
	}
	s := newStage("Stream2", fn, opts)
	s.ctx = ctx
	s.pull = func(_ *flow, push func(T, error) bool) { source(push) }
	return s.seq
}

// StreamChan is [Stream] for what is received from a channel until it is closed. Leaving the loop does not wait for the
// channel.
func StreamChan[T, R any](ctx context.Context, source <-chan T, fn func(t *Task, x T) (R, error), opts ...StreamOption) iter.Seq2[R, error] {
	if source == nil {
		panic("pinwheel: StreamChan of a nil channel")
	}
	s := newStage("StreamChan", fn, opts)
	s.ctx = ctx
	s.pull = func(f *flow, push func(T, error) bool) {
		done := f.ctx.Done()
		for {
			select {
			case x, ok := <-source:
				if !ok || !push(x, nil) {
					return
				}
			case <-done:
				return
			}
		}
	}
	return s.seq
}

// Then calls fn for each result of source, usually another stream, in tasks: the next stage. There is no barrier between
// stages. If source is a stream, and neither it nor this stage is [Keyed], an item goes through both stages in one go, on the
// same worker, and the second stage costs a few nanoseconds; the stages share their options then: if one is [Unordered], both
// are, and of two windows the smaller one holds.
//
// The context is that of the stream. If source is not a stream, it is that of the task which ranges over the results, or the
// background. Everything else is as for [Stream2].
func Then[T, R any](source iter.Seq2[T, error], fn func(t *Task, x T) (R, error), opts ...StreamOption) iter.Seq2[R, error] {
	if source == nil {
		panic("pinwheel: Then of a nil source")
	}
	s := newStage("Then", fn, opts)
	s.before = source
	return s.seq
}

// A stage is what [Stream] and [Then] return, as a method value.
type stage[T, R any] struct {
	ctx    context.Context                         // nil for Then
	pull   func(f *flow, push func(T, error) bool) // hands each element over until push returns false
	before iter.Seq2[T, error]                     // of Then, instead of pull
	fn     func(t *Task, x T) (R, error)           // with retries and dead letters
	letter func(x T, err error)                    // of elements that come as errors
	key    func(x T) uint64                        // of Keyed
	opts   streamOptions
}

func newStage[T, R any](name string, fn func(t *Task, x T) (R, error), opts []StreamOption) *stage[T, R] {
	if fn == nil {
		panic("pinwheel: " + name + " with a nil function")
	}
	s := &stage[T, R]{fn: fn}
	for _, o := range opts {
		if o.set == nil {
			panic("pinwheel: " + name + " with a zero StreamOption")
		}
		o.set(&s.opts)
	}
	s.key = typed[func(T) uint64](name, "Keyed", s.opts.key)
	s.letter = typed[func(T, error)](name, "DeadLetter", s.opts.letter)
	s.fn = withRetries(s.fn, s.opts.attempts, s.opts.pause)
	s.fn = withLetters(s.fn, s.letter)
	return s
}

// seq is the sequence that Stream and Then return.
func (s *stage[T, R]) seq(yield func(R, error) bool) {
	if s.key == nil && handOver[R](yield, s) {
		return // the stage that follows has done it all
	}
	f := newFlow()
	out, first := newOutlet[R](f)
	if s.ctx == nil {
		if t := worker.Here(context.Background()); t != nil {
			f.ctx = t
		}
	}
	go f.source(func() { s.drive(f, out) })
	out.consume(first, yield)
}

// drive sends all elements through the stage and what follows it. It is called by the flow's source goroutine.
func (s *stage[T, R]) drive(f *flow, next follower[R]) {
	f.options.add(&s.opts)
	l := &link[T, R]{fn: s.fn, next: next}
	if s.before != nil {
		s.driveAfter(f, l)
		return
	}
	f.ctx = s.ctx
	in := s.open(f, l)
	s.pull(f, in.push)
}

// open begins the flow: the stage is its first.
func (s *stage[T, R]) open(f *flow, first follower[T]) *intake[T] {
	f.open()
	return newIntake(f, first, s.key, s.letter)
}

// A follower is what follows a stage.
type follower[T any] interface {
	// put takes the element that belongs to a place, or its error.
	put(t *Task, at place, x T, err error)
	// page returns places for the next n results in the order of the source.
	page(n int) any
}

// A link is a stage's function and what follows it.
type link[T, R any] struct {
	fn   func(t *Task, x T) (R, error)
	next follower[R]
}

func (l *link[T, R]) put(t *Task, at place, x T, err error) {
	var r R
	if err == nil {
		r, err = l.fn(t, x)
	}
	l.next.put(t, at, r, err)
}

func (l *link[T, R]) page(n int) any { return l.next.page(n) }
