package atom

import "unsafe"

// A Count is a number that one thread at a time changes and any may read at any time: a statistic, not a word of a protocol.
// Nothing may depend on the order in which Counts and other words are seen to change, so the explorer leaves them alone.
//
// A change costs what one of an ordinary variable costs. A sync/atomic operation that writes would cost some 5 ns on amd64, where
// even a Store is an exchange that locks the bus. Readers use an atomic load, and a 64-bit processor writes an aligned word at
// once, so they see values that were written. The race detector cannot know that this is meant; with it, and on other
// processors, a Count is an atomic word.
type Count struct{ n countWord }

// A Count32 is a Count of half the size.
type Count32 struct{ n countHalf }

var _ [8]byte = [unsafe.Sizeof(Count{})]byte{} // in the trace's rings it counts
