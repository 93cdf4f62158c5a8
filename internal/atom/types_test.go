package atom_test

import (
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

type number[T any] interface {
	Load() T
	Store(T)
	Swap(T) T
	CompareAndSwap(T, T) bool
	Add(T) T
	And(T) T
	Or(T) T
}

func testNumber[T ~int32 | ~int64 | ~uint32 | ~uint64 | ~uintptr](t *testing.T, x number[T]) {
	t.Helper()
	step := func(name string, got, want, left T) {
		t.Helper()
		if got != want || x.Load() != left {
			t.Errorf("%T: %s returned %v and left %v, want %v and %v", x, name, got, x.Load(), want, left)
		}
	}
	x.Store(12)
	step("Store", 0, 0, 12)
	step("Swap", x.Swap(10), 12, 10)
	step("Add", x.Add(5), 15, 15)
	step("And", x.And(6), 15, 6)
	step("Or", x.Or(9), 6, 15)
	if x.CompareAndSwap(14, 1) || !x.CompareAndSwap(15, 2) || x.Load() != 2 {
		t.Errorf("%T: CompareAndSwap of the wrong value and the right one left %v, want 2", x, x.Load())
	}
}

func TestNumbersBehaveAsThoseOfSyncAtomic(t *testing.T) {
	testNumber(t, new(atom.Int32))
	testNumber(t, new(atom.Int64))
	testNumber(t, new(atom.Uint32))
	testNumber(t, new(atom.Uint64))
	testNumber(t, new(atom.Uintptr))
}

func TestFlagsAndPointersBehaveAsThoseOfSyncAtomic(t *testing.T) {
	var b atom.Bool
	b.Store(true)
	if !b.Load() || !b.Swap(false) || b.CompareAndSwap(true, true) || !b.CompareAndSwap(false, true) {
		t.Error("Bool is wrong")
	}
	var p atom.Pointer[int]
	one, two := new(int), new(int)
	if p.Load() != nil {
		t.Error("a fresh Pointer is not nil")
	}
	p.Store(one)
	if p.Load() != one || p.Swap(two) != one || p.CompareAndSwap(one, nil) || !p.CompareAndSwap(two, one) {
		t.Error("Pointer is wrong")
	}
}

// Structures are laid out alike with the explorer and without.
func TestWordsHaveTheSizesOfThoseOfSyncAtomic(t *testing.T) {
	for _, test := range []struct{ got, want uintptr }{
		{unsafe.Sizeof(atom.Bool{}), unsafe.Sizeof(atomic.Bool{})},
		{unsafe.Sizeof(atom.Int32{}), unsafe.Sizeof(atomic.Int32{})},
		{unsafe.Sizeof(atom.Int64{}), unsafe.Sizeof(atomic.Int64{})},
		{unsafe.Sizeof(atom.Uint32{}), unsafe.Sizeof(atomic.Uint32{})},
		{unsafe.Sizeof(atom.Uint64{}), unsafe.Sizeof(atomic.Uint64{})},
		{unsafe.Sizeof(atom.Uintptr{}), unsafe.Sizeof(atomic.Uintptr{})},
		{unsafe.Sizeof(atom.Pointer[int]{}), unsafe.Sizeof(atomic.Pointer[int]{})},
	} {
		if test.got != test.want {
			t.Errorf("size %d, want %d", test.got, test.want)
		}
	}
}
