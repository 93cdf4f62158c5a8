package future

import (
	"context"
	"math"
	"time"
)

// Timeout returns a future with the outcome of f, or, if that is not there after d, with [context.DeadlineExceeded]. Then f is
// cancelled, and so it is if the new future is. (See [Shield].)
func Timeout[T any](f *Future[T], d time.Duration) *Future[T] {
	l := &timeout[T]{}
	l.src = f
	l.self = l
	if f.isFinal() {
		attach(&f.core, &l.node)
		return &l.Future
	}
	l.timer = time.AfterFunc(math.MaxInt64, func() { l.Cancel(context.DeadlineExceeded) })
	l.timer.Reset(d) // after the assignment, since Cancel reads it
	attach(&f.core, &l.node)
	return &l.Future
}

type timeout[T any] struct {
	shield[T]
	timer *time.Timer
}

func (l *timeout[T]) hear(d *delivery) bool {
	l.stop()
	return l.shield.hear(d)
}

func (l *timeout[T]) abandon(d *delivery, v *verdict) {
	l.stop()
	l.link.abandon(d, v)
}

func (l *timeout[T]) stop() {
	if l.timer != nil {
		l.timer.Stop()
	}
}
