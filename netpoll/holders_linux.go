//go:build linux && !pinwheel_portable

package netpoll

import (
	"unsafe"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// holders counts the calls that use a file's descriptor, so that the last of them gives it back if it was closed meanwhile.
//
// Workers that read one file at the same time would send the count to and fro between their cores, which is a tenth of what a read
// from memory costs. So from the first time that two meet there, each has a count of its own.
//
// A count is closed by a bit in it. Whoever finds a count closed and brings it to zero, closing it or letting go, has emptied it, and
// whoever empties the last count is the last.
type holders struct {
	first   hold
	spread  atom.Pointer[[]paddedHold] // never changed once it is set; closing sets it if nobody has
	closed  atom.Bool                  // by somebody, who goes on to close the counts
	unempty atom.Int32                 // counts that are not empty yet, if closed
}

type hold struct {
	n   atom.Uint32
	own ownFD
}

type paddedHold struct {
	hold
	_ [128 - unsafe.Sizeof(hold{})]byte
}

// spreadHolds is into how many counts a count is spread, a power of two: 1 KiB for a file that is used by several workers at a time.
// Explorations make it less.
var spreadHolds = 8

// notSpread is for files that are closed before their count was spread.
var notSpread []paddedHold

// take counts in whoever has the number who. It returns the count to be let go of, or nil if the file is closed.
func (h *holders) take(who uint) *hold {
	for {
		c := h.countOf(who)
		n := c.n.Load()
		if n&descClosed != 0 {
			return nil
		}
		if c.n.CompareAndSwap(n, n+1) {
			return c
		}
		if h.spread.Load() == nil {
			more := make([]paddedHold, spreadHolds)
			h.spread.CompareAndSwap(nil, &more)
		}
	}
}

func (h *holders) countOf(who uint) *hold {
	if s := h.spreadOnes(); len(s) > 0 {
		return &s[who&uint(len(s)-1)].hold
	}
	return &h.first
}

// letGo ends a take. It reports whether that was the last, and the file is closed.
func (h *holders) letGo(c *hold) (last bool) {
	return c.n.Add(^uint32(0)) == descClosed && h.unempty.Add(-1) == 0
}

// close has all that come from now on refused. ok is false if somebody else did that before; last says that nobody is left.
func (h *holders) close() (ok, last bool) {
	if !h.closed.CompareAndSwap(false, true) {
		return false, false
	}
	h.spread.CompareAndSwap(nil, &notSpread) // so that there will be no more counts than are closed here
	more := h.spreadOnes()
	h.unempty.Store(int32(1 + len(more)))
	last = h.shut(&h.first)
	for i := range more {
		last = h.shut(&more[i].hold) || last
	}
	return true, last
}

func (h *holders) spreadOnes() []paddedHold {
	if s := h.spread.Load(); s != nil {
		return *s
	}
	return nil
}

// shut closes a count, and reports whether that has emptied the last one.
func (h *holders) shut(c *hold) (last bool) {
	return c.n.Or(descClosed) == 0 && h.unempty.Add(-1) == 0
}
