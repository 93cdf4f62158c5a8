package timer

// Holes are made in the blocks of timers that have been stopped, several at a time. The memory of a timer that is stopped has just been
// read, but that of its block is far away if there are many timers: a miss of the caches and of the address translation, for which
// a thread that stops timers one by one would wait each time (200 ns of 700 with a million pending, where a new timer takes the
// place of each). When all the blocks that are concerned are read first, the processor waits for them at the same time.
//
// A hole that is outstanding is no timer to anybody: the accounts of the list are right at once. But the block still counts it, so it is
// neither given up nor moved, and it still refers to the timer, so that is not collected.
type holes struct {
	all [maxHoles]hole
	n   int
}

type hole struct {
	block *block
	list  uint16
	place uint8
}

const maxHoles = 16

// add adds one. There must be room.
func (h *holes) add(o hole) {
	h.all[h.n] = o
	h.n++
}

// fetch reads all blocks.
func (h *holes) fetch() (all uint64) {
	for i := range h.all[:h.n] {
		o := &h.all[i]
		if o.block.timers[o.place] != nil {
			all += uint64(o.block.n)
		}
	}
	return all
}

// take takes the latest out: if timers that were started one after the other are stopped at once, the end of the block moves back.
func (h *holes) take() (o hole, ok bool) {
	if h.n == 0 {
		return hole{}, false
	}
	h.n--
	o, h.all[h.n] = h.all[h.n], hole{}
	return o, true
}
