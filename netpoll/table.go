//go:build linux && !pinwheel_portable

package netpoll

import "github.com/pinwheel-sched/pinwheel/internal/atom"

// Which registration does an event belong to?
//
// The kernel reports an event with the 64 bits that the descriptor was registered with. They hold the descriptor's number and
// the registration's generation, which is new for each. The poller finds the registration by the number and compares the
// generation:
//
//	register(fd):  take a generation; put the registration into the table at fd; then add fd to the epoll set.
//	close(fd):     take the registration out of the table; remove fd from the epoll set; then close fd.
//	event:         look into the table at fd. Nothing there, or another generation: drop the event.
//
// An event may be on its way for as long as it likes, between the kernel's report and the look into the table. Meanwhile fd may
// have been closed and its number used again; then the table is empty at fd or has a registration of another generation. What
// is in the table never changes, and the look is one load, so there is no moment at which the event of one registration is taken for that of
// another. (Nor could a pointer be in the 64 bits: the garbage collector would not see it.)
//
// The same holds where a duplicate of the descriptor keeps the kernel's registration alive after fd has been closed.

// A source is one registration of a descriptor, a part of what has the descriptor. It is used once and is constant then.
type source struct {
	fd   int32
	gen  uint32
	sink sink
}

// A sink is what has a descriptor. It is told what happens to it by whoever polls; it must not block.
type sink interface {
	// ready says that the descriptor has become ready for something: a set of EPOLLIN and so on.
	ready(events uint32)
	// orphan says that the poller is being closed. The sink closes the descriptor.
	orphan()
}

const chunkSize = 512

// A chunk has the registrations of chunkSize descriptor numbers.
type chunk [chunkSize]atom.Pointer[source]

// A table has the registrations by descriptor number. It grows, and is not locked for looking.
type table struct {
	chunks atom.Pointer[[]*chunk]
}

// at returns the place for a descriptor, or nil if the table has never been so long.
func (t *table) at(fd int) *atom.Pointer[source] {
	all := t.chunks.Load()
	if all == nil || uint(fd)/chunkSize >= uint(len(*all)) {
		return nil
	}
	return &(*all)[fd/chunkSize][fd%chunkSize]
}

// grow makes room for a descriptor, and returns its place.
func (t *table) grow(fd int) *atom.Pointer[source] {
	for {
		if place := t.at(fd); place != nil {
			return place
		}
		var longer []*chunk
		all := t.chunks.Load()
		if all != nil {
			longer = append(longer, *all...)
		}
		for len(longer) <= fd/chunkSize {
			longer = append(longer, new(chunk))
		}
		t.chunks.CompareAndSwap(all, &longer)
	}
}

// find returns the registration that an event belongs to, or nil if that is gone.
func (t *table) find(fd int, gen uint32) *source {
	place := t.at(fd)
	if place == nil {
		return nil
	}
	s := place.Load()
	if s == nil || s.gen != gen {
		return nil
	}
	return s
}

// each calls f for all registrations there are.
func (t *table) each(f func(s *source)) {
	all := t.chunks.Load()
	if all == nil {
		return
	}
	for _, c := range *all {
		for i := range c {
			if s := c[i].Load(); s != nil {
				f(s)
			}
		}
	}
}
