package worker

import (
	"errors"
	"fmt"
	"runtime"
)

var (
	// ErrClosed is returned, or wrapped, when a pool no longer takes work, or was closed before the work began.
	ErrClosed = errors.New("pinwheel: scheduler closed")

	// ErrGoexit is the value of the [PanicError] of a task that left by runtime.Goexit.
	ErrGoexit = errors.New("pinwheel: task called runtime.Goexit")
)

// A PanicError is a panic of a task, as it reaches whoever awaits it: returned by what returns an error, raised again by what
// does not.
type PanicError struct {
	Value any    // what the task panicked with, or ErrGoexit
	Stack []byte // the stack of the goroutine at the time, as debug.Stack formats it; nil for ErrGoexit
}

// Error describes the panic, with its stack.
func (e *PanicError) Error() string {
	if e.Value == ErrGoexit {
		return ErrGoexit.Error()
	}
	return fmt.Sprintf("pinwheel: task panicked: %v\n\n%s", e.Value, e.Stack)
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
	panic(e)
}
