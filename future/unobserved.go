package future

import (
	"runtime"
	"sync/atomic"
)

var unobserved atomic.Pointer[func(error)]

// OnUnobserved has fn called with errors that get lost: with the error of each future that has failed, and that the garbage
// collector finds unreachable before anybody has looked at the error. Await, Poll, AsCompleted, Recover, Any and AllSettled
// look at an error; Map and others that pass it on do not. Errors of cancelled futures are not reported, since whoever has
// cancelled knows. If fn is nil, which is the default, nothing is reported.
//
// It holds for futures that fail after the call, in the whole process. fn is called from the goroutine that runs cleanups for
// the runtime, and must return soon.
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

// drop says that the verdict has come too late, for a future that was cancelled: then nobody need look at it.
func (v *verdict) drop() {
	if v != nil && v.fate != nil {
		v.observed.Store(true)
	}
}

func (f *fate) decide() {
	if fn := unobserved.Load(); fn != nil && !f.observed.Load() {
		(*fn)(f.err)
	}
}
