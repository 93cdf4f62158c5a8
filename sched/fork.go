package sched

import (
	"unsafe"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Fork is a kind of fork, for functions from A to R. Make one with [NewFork]. Its methods are [worker.Fork.Fork], which
// starts a fork and returns it as a [Forked], and [worker.Fork.Join2], which runs two calls.
type Fork[A, R any] = worker.Fork[A, R]

// Forked is an outstanding fork. The task that has made it must join it, by [worker.Forked.Join], which returns the result; of
// several, the last one first. It must not wait natively for what the fork does: see [worker.Fork.Fork].
type Forked[A, R any] = worker.Forked[A, R]

// NewFork returns a kind of fork for functions func(*Task, A) R: fork-join at a nanosecond or two, without allocation. Keep it
// in a package-level variable. A fork has no error besides its result, and is cancelled with its task: let the result have an
// error, and look at [worker.Task.Err] where it is worth while to stop early.
//
//	var fibs = sched.NewFork[int, int]()
//
//	func fib(t *sched.Task, n int) int {
//		if n < 2 {
//			return n
//		}
//		f := fibs.Fork(t, fib, n-1)
//		y := fib(t, n-2)
//		return f.Join(t) + y
//	}
func NewFork[A, R any]() *Fork[A, R] { return worker.NewFork[A, R]() }

// Join runs a and b, possibly at the same time, and returns both results. b is what other workers may steal; if a waits for something that
// b does, the wait must be one that suspends the task, not a native one (see [worker.Fork.Fork]). Join costs about 25 ns and, if b
// captures variables, the allocation of its closure.
//
// A panic of either is raised again, as a [*PanicError] if it comes from another worker. If both panic, Join panics with a's
// panic. If a panics, b is not called, unless it was stolen already: then it is awaited at the next enclosing join or at the
// end of the task.
func Join[X, Y any](t *Task, a func(t *Task) X, b func(t *Task) Y) (X, Y) {
	if a == nil || b == nil {
		panic("pinwheel: Join of a nil function")
	}
	f := closures.Fork(t, callClosure, closure{*(*unsafe.Pointer)(unsafe.Pointer(&b)), boxer[Y]{}})
	x := a(t)
	if f.Reclaim(t) {
		return x, b(t)
	}
	return x, *(*Y)(f.Join(t))
}

// A closure is a function whose result type has been forgotten.
type closure struct {
	fn    unsafe.Pointer // a func(t *Task) Y
	boxer interface {
		call(t *Task, fn unsafe.Pointer) unsafe.Pointer
	}
}

type boxer[Y any] struct{}

// call calls a func(t *Task) Y and returns a pointer to its result.
func (boxer[Y]) call(t *Task, fn unsafe.Pointer) unsafe.Pointer {
	y := (*(*func(t *Task) Y)(unsafe.Pointer(&fn)))(t)
	return unsafe.Pointer(&y)
}

var closures = NewFork[closure, unsafe.Pointer]()

func callClosure(t *Task, c closure) unsafe.Pointer { return c.boxer.call(t, c.fn) }
