package sched

import (
	"errors"
	"fmt"
	"hash/maphash"
	"time"
)

// A StreamOption is an option of one stage of a stream.
type StreamOption struct{ set func(*streamOptions) }

type streamOptions struct {
	unordered bool
	window    int
	key       any // a func(T) uint64
	letter    any // a func(T, error)
	attempts  int
	pause     time.Duration
	progress  []progressHook
}

// add makes o the options of two stages in one. Keys, letters and retries stay with their stage.
func (o *streamOptions) add(other *streamOptions) {
	o.unordered = o.unordered || other.unordered
	if o.window == 0 || other.window != 0 && other.window < o.window {
		o.window = other.window
	}
	o.progress = append(o.progress, other.progress...)
}

// Unordered gives results in the order in which they are ready. So a slow item does not hold up the others.
func Unordered() StreamOption {
	return StreamOption{func(o *streamOptions) { o.unordered = true }}
}

// Keyed processes items of the same key one after the other, in order, and gives their results in that order; items of
// different keys are independent of each other. Each worker has a few lanes, and the hash of a key says which lane its items go
// to, so a slow item also holds up the other keys of its lane. T must be the type of the stage's items, or the stream panics.
func Keyed[T any, K comparable](key func(x T) K) StreamOption {
	if key == nil {
		panic("pinwheel: Keyed with a nil function")
	}
	seed := maphash.MakeSeed()
	hash := func(x T) uint64 { return maphash.Comparable(seed, key(x)) }
	return StreamOption{func(o *streamOptions) { o.key, o.unordered = hash, true }}
}

// Window bounds how many items there are between source and loop: those that wait, those in work, and results that have not
// been taken. A small window holds up workers behind a slow item, unless the stream is [Unordered]; a large one takes more
// memory. Without this option the window adapts: 16 items for each worker if they take long, up to 4,096 in all if they take a
// microsecond or less. It panics if n is less than 1.
func Window(n int) StreamOption {
	if n < 1 {
		panic("pinwheel: Window of less than 1")
	}
	return StreamOption{func(o *streamOptions) { o.window = n }}
}

// DeadLetter hands each item that has failed to f, with its error, and the stream goes on without that item. A panic counts as
// an error, as a [*PanicError]; runtime.Goexit does not. f is called by the task that failed, possibly at the same time as
// others; if f panics, the stream ends with that panic. T must be the type of the stage's items, or the stream panics.
func DeadLetter[T any](f func(x T, err error)) StreamOption {
	if f == nil {
		panic("pinwheel: DeadLetter with a nil function")
	}
	return StreamOption{func(o *streamOptions) { o.letter = f }}
}

// Retry calls the stage's function for an item up to the given number of times, until it returns no error. In between the task
// sleeps: for pause, then twice as long, and so on. There is no other attempt after a panic, nor once the stream has ended.
// Retry panics if attempts is less than 1 or pause is negative.
func Retry(attempts int, pause time.Duration) StreamOption {
	if attempts < 1 || pause < 0 {
		panic("pinwheel: Retry with less than 1 attempt, or a negative pause")
	}
	return StreamOption{func(o *streamOptions) { o.attempts, o.pause = attempts, pause }}
}

// typed returns an option's function, which must be one of the stage's items.
func typed[F any](stage, option string, f any) (none F) {
	if f == nil {
		return none
	}
	fn, ok := f.(F)
	if !ok {
		panic(fmt.Sprintf("pinwheel: %s with %s of other items: it has a %T, not a %T", stage, option, f, none))
	}
	return fn
}

// errDropped is the error of an item that a dead letter has told of.
var errDropped = errors.New("pinwheel: dropped")

func withRetries[T, R any](fn func(t *Task, x T) (R, error), attempts int, pause time.Duration) func(t *Task, x T) (R, error) {
	if attempts <= 1 {
		return fn
	}
	return func(t *Task, x T) (r R, err error) {
		for left, wait := attempts-1, pause; ; left, wait = left-1, 2*wait {
			if r, err = fn(t, x); err == nil || left == 0 || t.Err() != nil {
				return r, err
			}
			if e := Sleep(t, wait); e != nil {
				return r, err
			}
		}
	}
}

func withLetters[T, R any](fn func(t *Task, x T) (R, error), letter func(x T, err error)) func(t *Task, x T) (R, error) {
	if letter == nil {
		return fn
	}
	return func(t *Task, x T) (R, error) {
		r, err := guarded(t, x, fn)
		if err != nil {
			letter(x, err)
			err = errDropped
		}
		return r, err
	}
}

// guarded calls fn and returns its panic as an error.
func guarded[T, R any](t *Task, x T, fn func(t *Task, x T) (R, error)) (r R, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = t.Caught(p)
		}
	}()
	return fn(t, x)
}
