package worker

import (
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/tick"
)

// A caller takes part (see guest.go) in what is over soon, where waking a worker would take longer than the work. What takes long it
// had better leave to the workers: a caller's thread may run on any CPU, so the kernel puts it, now and then, on one where a
// pinned worker is busy already, and leaves another CPU idle until its next tick, some milliseconds later. Pinned workers only
// do not get into each other's way. It was worth 5 % on fork-join, and 8 % on files (docs/decisions/0023).
//
// How long something takes is known from its last time. What has never been run is taken to be long, because to be wrong about
// that costs one wake of a thread, once.

// A Code identifies what a caller wants run: the entry point of a function, or the place where a task was started.
type Code uintptr

// Anyway is the code of what is to run at once, however long it takes.
const Anyway Code = 0

const (
	briefSlots = 128
	longTime   = 2 * time.Millisecond // what takes longer is long from then on
	shortTime  = longTime / 2         // and what takes less is not, from then on

	// What nobody measures unless a caller takes it over is taken over again after so many times that it was not.
	longTimes = 16
	codeBits  = 48
)

// A briefSet knows what was over soon the last time. Each code has one slot, which it shares with others: the last one is known.
type briefSet [briefSlots]atom.Uint64 // the code, and above it for how many times it is still taken to be long

func (s *briefSet) slot(c Code) *atom.Uint64 {
	return &s[uint64(c)*0x9e3779b97f4a7c15>>32%briefSlots]
}

// has reports whether c was over soon the last time.
func (s *briefSet) has(c Code) bool { return s.slot(c).Load() == uint64(c) }

// lacks reports whether c was long, for the next few times that somebody asks.
func (s *briefSet) lacks(c Code) bool {
	slot := s.slot(c)
	v := slot.Load()
	return v != uint64(c) && v&(1<<codeBits-1) == uint64(c) && slot.CompareAndSwap(v, v-1<<codeBits)
}

// note takes down how long something took.
func (s *briefSet) note(c Code, took time.Duration) {
	v, slot := uint64(c), s.slot(c)
	switch {
	case took > longTime:
		slot.Store(v | longTimes<<codeBits)
	case took < shortTime && slot.Load() != v:
		slot.Store(v)
	}
}

// Took tells the pool how long something took, since began. For what RunHere left to the workers, it is the caller who tells.
func (p *Pool) Took(c Code, began tick.Count) {
	took := time.Duration(0)
	if tick.Now()-began > p.moment { // or it was short, and that is all there is to know
		took = tick.Since(began)
	}
	p.brief.note(c, took)
}
