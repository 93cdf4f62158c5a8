// Package inlined uses every operation of the protocol words, one to a line, in a package that does not import sync/atomic.
package inlined

import "github.com/pinwheel-sched/pinwheel/internal/atom"

func OnBool(x *atom.Bool) {
	x.Load()
	x.Store(true)
	x.Swap(true)
	x.CompareAndSwap(true, true)
}

func OnInt32(x *atom.Int32) {
	x.Load()
	x.Store(1)
	x.Swap(1)
	x.CompareAndSwap(1, 1)
	x.Add(1)
	x.And(1)
	x.Or(1)
}

func OnInt64(x *atom.Int64) {
	x.Load()
	x.Store(1)
	x.Swap(1)
	x.CompareAndSwap(1, 1)
	x.Add(1)
	x.And(1)
	x.Or(1)
}

func OnUint32(x *atom.Uint32) {
	x.Load()
	x.Store(1)
	x.Swap(1)
	x.CompareAndSwap(1, 1)
	x.Add(1)
	x.And(1)
	x.Or(1)
}

func OnUint64(x *atom.Uint64) {
	x.Load()
	x.Store(1)
	x.Swap(1)
	x.CompareAndSwap(1, 1)
	x.Add(1)
	x.And(1)
	x.Or(1)
}

func OnUintptr(x *atom.Uintptr) {
	x.Load()
	x.Store(1)
	x.Swap(1)
	x.CompareAndSwap(1, 1)
	x.Add(1)
	x.And(1)
	x.Or(1)
}

func OnPointer(x *atom.Pointer[int], p *int) {
	x.Load()
	x.Store(p)
	x.Swap(p)
	x.CompareAndSwap(p, p)
}
