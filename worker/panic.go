package worker

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
)

var (
	// ErrClosed is returned, or wrapped, when a pool no longer takes work, or was closed before the work began.
	ErrClosed = errors.New("pinwheel: scheduler closed")

	// ErrGoexit is the value of the [PanicError] of a task that left by runtime.Goexit.
	ErrGoexit = errors.New("pinwheel: task called runtime.Goexit")
)

// A PanicError is a panic of a task, as it reaches whoever awaits it: returned by what returns an error, raised again by what
// does not. It tells where the panic happened, where the task was started, and by whom it was awaited.
type PanicError struct {
	Value any    // what the task panicked with, or ErrGoexit
	Stack []byte // the stack of the goroutine at the time, as debug.Stack formats it; nil for ErrGoexit

	// Started is the place where the task was started, if that is another than where it was awaited first.
	Started Calls
	// Awaited has the stacks of those who awaited the task, then of those who awaited them, and so on: one for each time that
	// the panic has passed from a task to another, or to a goroutine. Beyond a dozen they are left out.
	Awaited []Calls
}

// mostAwaited is how often a panic takes a stack on its way.
const mostAwaited = 12

// Error describes the panic, with its stacks.
func (e *PanicError) Error() string {
	if e.Value == ErrGoexit {
		return ErrGoexit.Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "pinwheel: task panicked: %v\n\n%s", e.Value, e.Stack)
	if len(e.Started) > 0 {
		fmt.Fprintf(&b, "\nstarted by\n%s", e.Started)
	}
	for _, t := range e.Awaited {
		fmt.Fprintf(&b, "\nawaited by\n%s", t)
	}
	return b.String()
}

// Unwrap returns the panic's value if that is an error, so that errors.Is and errors.As see it.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// raise goes on with what the task did: a panic, or a runtime.Goexit. So a fork that was stolen ends its joiner in the same
// way as one that ran in place.
func (e *PanicError) raise() {
	if e.Value == ErrGoexit {
		runtime.Goexit()
	}
	panic(e.awaited(3))
}

// AwaitedHere returns an error as it is to be given to the caller, who has awaited a task: a [*PanicError] as one that says
// so, any other unchanged. It costs a nanosecond for those, some microseconds for a panic.
func AwaitedHere(err error) error {
	if p, ok := err.(*PanicError); ok { //nolint:errorlint // one that is wrapped was awaited before
		return p.awaited(3)
	}
	return err
}

// Raise panics with the error of a task that the caller has awaited.
func (e *PanicError) Raise() { panic(e.awaited(3)) }

// awaited returns a copy that has the stack of the caller, in the sense of runtime.Callers, as well. Several may await a task,
// so the original stays as it is.
func (e *PanicError) awaited(skip int) *PanicError {
	if e.Value == ErrGoexit || len(e.Awaited) == mostAwaited {
		return e
	}
	var pcs [32]uintptr
	c := *e
	c.Awaited = append(slices.Clone(e.Awaited), slices.Clone(pcs[:runtime.Callers(skip, pcs[:])]))
	return &c
}

// Calls is a stack, or the innermost part of one, innermost first, as runtime.Callers takes it.
type Calls []uintptr

// String has two lines for each call, as stack traces do.
func (t Calls) String() string {
	if len(t) == 0 {
		return ""
	}
	var b strings.Builder
	frames := runtime.CallersFrames(t)
	for more := true; more; {
		var f runtime.Frame
		if f, more = frames.Next(); f.Function != "" {
			fmt.Fprintf(&b, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
		}
	}
	return b.String()
}
