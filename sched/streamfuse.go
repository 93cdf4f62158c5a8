package sched

import (
	"sync"
	"unsafe"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// How two stages become one. Then gets a sequence, which is a function and tells nothing about itself. If that is a stream, to
// range over it would start a second flow, with a source of its own and a hand-over for each item. So Then, before it calls the
// sequence, registers the yield function that it is going to pass; a stream looks, when it is called, whether its yield is
// registered. If so it sends its elements through its function and on through what follows, instead of yielding results.
//
// A yield function is known by its address: it is a closure that escapes, and its address is nobody else's while it lives. A
// function that wraps a stream in a yield of its own is therefore no stream, which is right. One that calls a stream with the
// yield that it got is one for this purpose; the call returns when all results have been taken or nothing runs any more,
// so that it may clean up after it. Only the first such call joins the flow. What else it yields, or other streams do, follows.

// A driver is a stream that can feed another stage.
type driver[R any] interface {
	drive(f *flow, next follower[R])
}

var requests struct {
	n  atom.Int32 // how many there are, so that streams without a stage behind them need no lock
	mu sync.Mutex
	by map[unsafe.Pointer]any // a func(driver[R]), by the identity of a func(R, error) bool
}

func identity[F any](f F) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&f)) }

// ask registers yield, to have take called with the driver. The registration is to be withdrawn.
func ask[R any](yield func(R, error) bool, take func(driver[R])) {
	requests.mu.Lock()
	defer requests.mu.Unlock()
	if requests.by == nil {
		requests.by = map[unsafe.Pointer]any{}
	}
	requests.by[identity(yield)] = take
	requests.n.Add(1)
}

func withdraw[R any](yield func(R, error) bool) {
	requests.mu.Lock()
	defer requests.mu.Unlock()
	if id := identity(yield); requests.by[id] != nil {
		delete(requests.by, id)
		requests.n.Add(-1)
	}
}

// handOver has d drive the stage whose yield function this is. It reports false if no stage asks for that.
func handOver[R any](yield func(R, error) bool, d driver[R]) bool {
	if requests.n.Load() == 0 {
		return false
	}
	requests.mu.Lock()
	take, _ := requests.by[identity(yield)].(func(driver[R]))
	requests.mu.Unlock()
	if take == nil {
		return false
	}
	withdraw(yield)
	take(d)
	return true
}

// driveAfter gets the elements from the stage before: by having it drive this one, if it can, otherwise from its results.
func (s *stage[T, R]) driveAfter(f *flow, l *link[T, R]) {
	var in *intake[T]
	var yield func(x T, err error) bool
	yield = func(x T, err error) bool {
		if in == nil {
			withdraw(yield)
			in = s.open(f, l)
		}
		return in.push(x, err)
	}
	if s.key == nil {
		ask(yield, func(d driver[T]) {
			d.drive(f, l)
			f.settle()
		})
		defer withdraw(yield)
	}
	s.before(yield)
}
