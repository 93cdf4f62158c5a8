//go:build mc

package atom

import (
	"sync/atomic"
	"unsafe"

	"github.com/pinwheel-sched/pinwheel/internal/mc"
)

// The protocol words under the explorer: the size and the methods of the sync/atomic types, and before each operation a
// point at which another thread may run.
type (
	Bool           = word[bool, atomic.Bool, *atomic.Bool]
	Int32          = number[int32, atomic.Int32, *atomic.Int32]
	Int64          = number[int64, atomic.Int64, *atomic.Int64]
	Uint32         = number[uint32, atomic.Uint32, *atomic.Uint32]
	Uint64         = number[uint64, atomic.Uint64, *atomic.Uint64]
	Uintptr        = number[uintptr, atomic.Uintptr, *atomic.Uintptr]
	Pointer[T any] = word[*T, atomic.Pointer[T], *atomic.Pointer[T]]
)

// A word holds a T in an A, which is a type of sync/atomic.
type word[T comparable, A any, P interface {
	*A
	Load() T
	Store(T)
	Swap(T) T
	CompareAndSwap(T, T) bool
}] struct{ a A }

func (w *word[T, A, P]) Load() T {
	traced := mc.Point(unsafe.Pointer(w))
	v := P(&w.a).Load()
	if traced {
		mc.Trace("load", v)
	}
	return v
}

func (w *word[T, A, P]) Store(v T) {
	traced := mc.Point(unsafe.Pointer(w))
	P(&w.a).Store(v)
	mc.Changed()
	if traced {
		mc.Trace("store", v)
	}
}

func (w *word[T, A, P]) Swap(v T) T {
	traced := mc.Point(unsafe.Pointer(w))
	old := P(&w.a).Swap(v)
	mc.Changed()
	if traced {
		mc.Trace("swap", v, "was", old)
	}
	return old
}

func (w *word[T, A, P]) CompareAndSwap(old, v T) bool {
	traced := mc.Point(unsafe.Pointer(w))
	ok := P(&w.a).CompareAndSwap(old, v)
	if ok {
		mc.Changed()
	}
	if traced {
		mc.Trace("cas", old, v, ok)
	}
	return ok
}

// A number is a word with arithmetic.
type number[T comparable, A any, P interface {
	*A
	Load() T
	Store(T)
	Swap(T) T
	CompareAndSwap(T, T) bool
	Add(T) T
	And(T) T
	Or(T) T
}] struct{ word[T, A, P] }

func (n *number[T, A, P]) Add(delta T) T {
	traced := mc.Point(unsafe.Pointer(n))
	v := P(&n.a).Add(delta)
	mc.Changed()
	if traced {
		mc.Trace("add", delta, "is", v)
	}
	return v
}

func (n *number[T, A, P]) And(mask T) T {
	traced := mc.Point(unsafe.Pointer(n))
	old := P(&n.a).And(mask)
	mc.Changed()
	if traced {
		mc.Trace("and", mask, "was", old)
	}
	return old
}

func (n *number[T, A, P]) Or(mask T) T {
	traced := mc.Point(unsafe.Pointer(n))
	old := P(&n.a).Or(mask)
	mc.Changed()
	if traced {
		mc.Trace("or", mask, "was", old)
	}
	return old
}
