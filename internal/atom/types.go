//go:build !mc

package atom

import "sync/atomic"

// The protocol words. See the package comment for what an alias buys.
type (
	Bool           = atomic.Bool
	Int32          = atomic.Int32
	Int64          = atomic.Int64
	Uint32         = atomic.Uint32
	Uint64         = atomic.Uint64
	Uintptr        = atomic.Uintptr
	Pointer[T any] = atomic.Pointer[T]
)

// A package that knows sync/atomic only through these aliases inlines those of its methods that are mentioned here, and
// calls the others: the compiler passes on the bodies that this package refers to, no more (Go 1.26).
var _ = mention

func mention(b *Bool, i32 *Int32, i64 *Int64, u32 *Uint32, u64 *Uint64, p *Uintptr) {
	b.Store(true)
	i32.Store(1)
	i64.Store(1)
	u32.Store(1)
	u64.Store(1)
	p.Store(1)
	_, _, _ = b.Load(), b.Swap(true), b.CompareAndSwap(true, true)
	_, _, _, _, _, _ = i32.Load(), i32.Swap(1), i32.CompareAndSwap(1, 1), i32.Add(1), i32.And(1), i32.Or(1)
	_, _, _, _, _, _ = i64.Load(), i64.Swap(1), i64.CompareAndSwap(1, 1), i64.Add(1), i64.And(1), i64.Or(1)
	_, _, _, _, _, _ = u32.Load(), u32.Swap(1), u32.CompareAndSwap(1, 1), u32.Add(1), u32.And(1), u32.Or(1)
	_, _, _, _, _, _ = u64.Load(), u64.Swap(1), u64.CompareAndSwap(1, 1), u64.Add(1), u64.And(1), u64.Or(1)
	_, _, _, _, _, _ = p.Load(), p.Swap(1), p.CompareAndSwap(1, 1), p.Add(1), p.And(1), p.Or(1)
}
