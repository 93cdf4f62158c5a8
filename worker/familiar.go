package worker

import (
	"context"
	"unsafe"
)

// A caller that starts and awaits one task after the other, through the pocket (late.go), does so under one context, as a rule. A task
// asks its context whether it is done and whether it has pprof labels, and each question goes through all contexts that this one is
// derived from: together a tenth of what a task takes that is over at once. Neither the channel that tells the one nor the answer
// to the other ever changes. So as long as the late watch is on, the pool remembers both of the context that it has met twice in a row.
type familiar struct {
	context  context.Context // kept, so that no other has its address
	done     <-chan struct{}
	labelled bool
}

// recognise returns what is remembered of a context, or nil.
func (l *lateWatch) recognise(ctx context.Context) *familiar {
	if k := l.familiar.Load(); k != nil && wordsOf(k.context) == wordsOf(ctx) {
		return k
	}
	if at := uint64(wordsOf(ctx)[1]); l.met.Load() != at { // an address, and so no more than a hint
		l.met.Store(at)
		return nil
	}
	k := &familiar{ctx, ctx.Done(), labelled(ctx)}
	l.familiar.Store(k)
	if l.on.Load() == 0 { // then nobody is going to forget it: the mirror image of endLate
		l.familiar.Store(nil)
	}
	return k
}

// wordsOf tells contexts apart that are not known to be comparable.
func wordsOf(ctx context.Context) [2]uintptr { return *(*[2]uintptr)(unsafe.Pointer(&ctx)) }

// isDone reports whether the context is done.
func (k *familiar) isDone() bool {
	select {
	case <-k.done:
		return true
	default:
		return false
	}
}

// familiar returns what is remembered of the context of t, which is about to run on f, or nil.
func (f *fiber) familiar(t *Task) *familiar {
	if g := f.p.guest; g != nil && t == g.region {
		return g.familiar
	}
	return nil
}
