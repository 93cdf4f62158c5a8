// Package deque is the work-stealing deque of Chase and Lev: one owner pushes and pops at the bottom, last in first out,
// and any number of thieves steal from the top, first in first out.
//
// An owner that keeps to itself pays no compare-and-swap: only for the last element do owner and thieves race. Nobody ever
// waits for anybody.
//
// # The protocol
//
// Elements have consecutive 64-bit indices. Those in [top, bottom) are in the deque; element i lies in slot i mod capacity
// of the ring.
//
//	        top                  bottom
//	         |                     |
//	 taken   |   in the deque      |   free, to be pushed
//	---------+---------------------+--------------------->  index
//	 thieves take here ->       <- the owner takes here ->  and pushes
//
// Only the owner writes bottom, the slots and the ring; top only ever grows, by compare-and-swap, and whoever moves it from
// i to i+1 has taken element i.
//
//	Push:   write the slot; publish bottom = b+1.
//	Pop:    claim the last element by bottom = b-1; then read top.
//	        Elements below the claimed one remain: it is the owner's.
//	        It is the only one: race for it by moving top, as a thief would.
//	Steal:  read top; then read bottom. If they enclose nothing, it is empty.
//	        Read the ring, then the slot; then move top from t to t+1. Whoever fails has lost the race and has nothing.
//
// Why no element is taken twice: let thief and owner go for the same index i. The owner took it without touching top, so it
// read top < i after publishing bottom = i. The thief read top = i, which is later, and bottom after that, which is
// therefore at most i: it saw an empty deque. This needs Pop to write before it reads, Steal to read top before bottom, and
// both in one order that all threads agree on, which is what Go's atomics give.
//
// Why a thief that wins has read the right element: slot i is written again, by the push of i+capacity or by a clearing,
// only after top has passed i, and then the compare-and-swap fails. A ring that has been replaced is never written again,
// so its slot i stays what it was. The ring must be read after the indices: an older ring need not hold element i.
//
// # What stays reachable
//
// A taken element's slot still points to it until the owner clears or reuses the slot. Thieves must not clear: by the time
// they would, the owner may have pushed something else there. The owner clears while it pops:
//
//   - when Pop returns nil, the ring points to no element that was taken before;
//   - when it returns an element, the ring points to at most slack = 8 popped and 8 stolen ones;
//   - elements stolen since the last Pop stay reachable until the next one, or until the owner pushes over them: as many
//     as the ring has slots.
//
// The slack saves a store per element where pushes and pops alternate, which is what fork-join does.
//
// The ring doubles when it is full. When it is found less than an eighth full while clearing, it is replaced by one a quarter
// its size, never smaller than at first. So the owner of a deque that has had a burst gives up the memory while it pops, and
// growing and shrinking cost a constant per Push and Pop on the average.
//
// # Related work
//
// D. Chase and Y. Lev, "Dynamic circular work-stealing deque", SPAA 2005; N. M. Lê, A. Pop, A. Cohen and F. Zappa Nardelli,
// "Correct and efficient work-stealing for weak memory models", PPoPP 2013. The differences:
//
//   - Go's atomics are sequentially consistent: the fences of Lê et al. are in the accesses.
//   - Empty is decided by the signed difference of the indices, which may start anywhere and wrap around. (Pop on a fresh
//     deque in Lê et al. takes 0-1 for an enormous index.)
//   - A Pop that finds a single element takes it as a thief would, by moving top, and does not touch bottom: one
//     read-modify-write instead of three. One that finds nothing only reads.
//   - The owner remembers a lower bound of top, so that Push reads the thieves' cache line only when the ring seems full.
//   - Old rings are left to the garbage collector, which makes them as permanent as a thief needs; rings shrink without
//     the copying discipline of section 4 of Chase and Lev, because a shrunk ring is a fresh one.
//   - Slots are cleared, as above.
package deque

import (
	"math/bits"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// slack is how many slots of taken elements may remain uncleared on either side. See "What stays reachable".
const slack = 8

// A deque is what the two handles share. Its fields are apart by who writes them: a line of the owner's that thieves never
// read, a line that the owner writes and thieves read, and a line that thieves write.
type deque[T any] struct {
	_ [128]byte
	owned[T]
	_ [128]byte

	// Written by the owner, read by thieves.
	bottom atom.Uint64           // index of the next push
	ring   atom.Pointer[ring[T]] // where the elements are
	_      [128]byte

	// Written by thieves, and by the owner for the last element.
	top atom.Uint64 // index of the oldest element
	_   [128]byte
}

// owned is read and written by the owner alone, with plain accesses. (So the race detector reports two owners.)
//
// Slots outside [low, high) are clear, or reused by an element inside; low <= top and bottom <= high.
type owned[T any] struct {
	slots   ring[T] // the current ring
	topSeen uint64  // a value that top has had: topSeen <= top
	low     uint64
	high    uint64
	least   int // the first capacity, below which the ring does not shrink
}

// A ring is a power of two of slots. Index i has slot i modulo that.
type ring[T any] []atom.Pointer[T]

func (r ring[T]) at(i uint64) *atom.Pointer[T] { return &r[i&uint64(len(r)-1)] }

// An Owner is the owning end of a deque. It may be used by one goroutine at a time; handing it on needs the same care as
// handing on any variable. It is a pointer in a coat: copy it freely.
type Owner[T any] struct{ d *deque[T] }

// A Thief is the stealing end of a deque. Any number of goroutines may use it, and copies of it, at once.
type Thief[T any] struct{ d *deque[T] }

// New returns the two ends of an empty deque with room for capacity elements, rounded up to a power of two. The room grows
// when it is needed, and shrinks to that again. New panics if capacity is less than 1.
//
// The calling goroutine's thread touches the ring first, which decides on which NUMA node it lies.
func New[T any](capacity int) (Owner[T], Thief[T]) { return newAt[T](capacity, 0) }

// newAt starts the indices at index, so that a test can see them wrap around.
func newAt[T any](capacity int, index uint64) (Owner[T], Thief[T]) {
	if capacity < 1 {
		panic("deque: capacity below 1")
	}
	d := &deque[T]{}
	d.least = 1 << bits.Len(uint(capacity-1))
	d.bottom.Store(index)
	d.top.Store(index)
	d.moveTo(d.least, index, index)
	return Owner[T]{d}, Thief[T]{d}
}

// Push adds x at the bottom. It never blocks and never fails; when the ring is full, it moves the elements to one twice as
// large. What happened before Push happens before the return of the Pop or Steal that takes x.
//
// It costs two atomic stores, 4 to 12 ns on amd64.
func (o Owner[T]) Push(x *T) {
	d := o.d
	b := d.bottom.Load()
	if b-d.topSeen >= uint64(len(d.slots)) {
		d.makeRoom(b)
	}
	d.slots.at(b).Store(x)
	if b == d.high {
		d.high = b + 1
	}
	d.bottom.Store(b + 1) // Publishes the slot: a thief that sees b+1 sees x there.
}

// makeRoom finds a slot for index b, which lies a ring's length above the last known top.
func (d *deque[T]) makeRoom(b uint64) {
	d.topSeen = d.top.Load()
	if b-d.topSeen >= uint64(len(d.slots)) {
		d.moveTo(2*len(d.slots), d.topSeen, b)
	}
}

// moveTo replaces the ring by a fresh one that holds the elements of [t, b). Some of them may be taken meanwhile; that does
// not matter, since whoever takes one moves top, and finds the same pointer in either ring.
func (d *deque[T]) moveTo(capacity int, t, b uint64) {
	r := make(ring[T], capacity)
	for i := t; i != b; i++ {
		r.at(i).Store(d.slots.at(i).Load())
	}
	d.ring.Store(&r) // After the elements, and before any index that only the new ring has room for.
	d.slots, d.topSeen, d.low, d.high = r, t, t, b
}

// Pop takes the element that was pushed last, or returns nil if there is none or thieves have taken it. It never blocks.
//
// On an empty deque it only reads. The last element costs a compare-and-swap, any other one an atomic store, 3 to 6 ns on
// amd64. Clearing the slots of taken elements comes to one more store for each, at most.
func (o Owner[T]) Pop() *T {
	d := o.d
	b := d.bottom.Load() - 1
	t := d.top.Load()
	if b == t {
		return d.popTop(t)
	}
	if int64(b-t) < 0 { // Only the owner adds elements, so there is none.
		d.tidy(t, b+1, 0)
		return nil
	}
	d.bottom.Store(b) // Claim b before reading top: a thief that has not moved top by then finds b gone, or b not last.
	t = d.top.Load()
	if int64(b-t) <= 0 {
		// Thieves have come as far as b. Give it back and race as they do; what is left is one element or none.
		d.bottom.Store(b + 1)
		return o.Pop()
	}
	x := d.slots.at(b).Load()
	if d.untidy(t, b) {
		d.tidy(t, b, slack)
	}
	return x
}

// popTop takes the only element, t, as a thief would: by moving top.
func (d *deque[T]) popTop(t uint64) *T {
	x := d.slots.at(t).Load()
	if !d.top.CompareAndSwap(t, t+1) {
		d.tidy(t+1, t+1, 0)
		return nil
	}
	if d.untidy(t+1, t+1) {
		d.tidy(t+1, t+1, slack)
	}
	return x
}

// untidy reports whether it is time to clear; [t, b) are the elements.
func (d *deque[T]) untidy(t, b uint64) bool { return t-d.low > slack || d.high-b > slack }

// tidy clears slots that no element in [t, b) uses, once there are more than keep on either side, and gives up a ring that
// has become much too large. A thief that still looks at a cleared slot has read a top below t, and cannot win.
func (d *deque[T]) tidy(t, b, keep uint64) {
	if c := len(d.slots); c > d.least && b-t < uint64(c/8) {
		d.moveTo(max(c/4, d.least), t, b)
		return
	}
	if t-d.low > keep {
		from := d.low
		if c := uint64(len(d.slots)); b-from > c {
			from = b - c // Below that, the slots are reused.
		}
		d.clear(from, t)
		d.low = t
	}
	if d.high-b > keep {
		d.clear(b, d.high)
		d.high = b
	}
}

func (d *deque[T]) clear(from, to uint64) {
	for i := from; i != to; i++ {
		d.slots.at(i).Store(nil)
	}
}

// Len returns the number of elements. Thieves may take some before it returns; nothing is added. It costs two loads.
func (o Owner[T]) Len() int { return o.d.len() }

// Empty reports whether there is no element. True holds until the owner pushes; false may be out of date.
func (o Owner[T]) Empty() bool { return o.d.len() == 0 }

func (d *deque[T]) len() int {
	t := d.top.Load() // Before bottom: see Thief.Empty.
	return max(0, int(int64(d.bottom.Load()-t)))
}

// A Status says how a Steal ended.
type Status uint8

const (
	OK    Status = iota // an element was taken
	Empty               // there was none
	Lost                // another thief, or the owner, took it first; there may be more
)

func (s Status) String() string { return [...]string{"OK", "Empty", "Lost"}[s] }

// Steal takes the oldest element. The element is nil unless the status is [OK].
//
// It never blocks and does not retry: after [Lost] the caller may try again, or go to another deque. Some caller succeeds
// whenever another one loses. [Empty] means that there was a moment during the call at which no element was left, except
// perhaps one that the owner's Pop was about to take.
//
// It costs a compare-and-swap and the transfer of the owner's cache line; on an empty deque, only loads.
func (th Thief[T]) Steal() (*T, Status) {
	d := th.d
	t := d.top.Load()
	b := d.bottom.Load() // After top: an older bottom may count an element that the owner has taken since.
	if int64(b-t) <= 0 {
		return nil, Empty
	}
	r := *d.ring.Load() // After the indices: an older ring need not have element t.
	x := r.at(t).Load() // Before moving top: after that, the slot may be reused.
	if !d.top.CompareAndSwap(t, t+1) {
		return nil, Lost
	}
	return x, OK
}

// Len returns about how many elements there are. It costs two loads, cache misses if the owner has moved bottom.
func (th Thief[T]) Len() int { return th.d.len() }

// Empty reports whether there is nothing to steal. True means, as for [Thief.Steal], that there was a moment during the call at
// which no element was left but for one that the owner's Pop was about to take: so who announces idleness and then finds
// every deque Empty has overlooked nothing that was pushed before. False may be out of date.
func (th Thief[T]) Empty() bool { return th.d.len() == 0 }
