package future

import (
	"runtime"
	"sync/atomic"
)

var unobserved atomic.Pointer[func(error)]

// OnUnobserved has fn called with every error that nobody has looked at when the garbage collector finds that nobody can any
// more. Await, Poll and AsCompleted look at an error, Recover, Any and AllSettled too; what passes an error on, as Map does, does
// not. Errors of cancellations are not reported, since whoever cancels knows. Nil, the default, switches reports off.
//
// It holds for futures that fail from now on, in the whole process. fn is called from the goroutine that runs cleanups for the
// runtime, and must return soon.
//
// A failure costs about half a microsecond and three allocations more while there is such a function; values cost nothing.
func OnUnobserved(fn func(err error)) {
	if fn == nil {
		unobserved.Store(nil)
		return
	}
	unobserved.Store(&fn)
}

// A fate says whether anybody has looked at a verdict. It outlives the verdict.
type fate struct {
	err      error
	observed atomic.Bool
}

// failed returns a verdict that somebody ought to look at.
func failed(err error) *verdict {
	v := newVerdict(err)
	if unobserved.Load() != nil {
		v.fate = &fate{err: err}
		runtime.AddCleanup(v, (*fate).decide, v.fate)
	}
	return v
}

// look returns the error, to be shown to the user.
func (v *verdict) look() error {
	if v.fate != nil {
		v.observed.Store(true)
	}
	return v.err
}

func (f *fate) decide() {
	if fn := unobserved.Load(); fn != nil && !f.observed.Load() {
		(*fn)(f.err)
	}
}
