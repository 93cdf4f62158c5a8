//go:build linux && !pinwheel_portable

package netpoll

import (
	"context"
	"net"
	"os"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/park"
	"github.com/pinwheel-sched/pinwheel/lock"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A side is one direction of a descriptor, reading or writing: whether it is ready, and who waits for that.
//
// The word:
//
//	bit 0  ready: a call may succeed. Set by the poller, cleared by a call that found nothing to do.
//	bit 1  hung: the peer has closed, or has sent urgent data, or there is an error
//	bit 2  expired: the deadline has passed
//	bit 3  closed
//	bit 4  and up: the tick, which counts events and deadlines that have passed
//
// Edge-triggered events come only once, so that one must not be lost between the call that finds nothing and the
// clearing of the bit:
//
//	call:   read the word; call; if it finds nothing, clear ready by a compare-and-swap from the word as it was read.
//	event:  set ready and count the tick, by a compare-and-swap.
//
// If an event comes in between, the tick has moved and the bit stays. A call that gets less than it asked for has found the
// end as well, and saves the next call the system call that would say so. Not so once the peer has closed: the event that says
// so may have come together with the last data, and no other would follow. Nor once it has sent urgent data: a read stops there,
// and what is behind it may have come before. So a short call does not clear ready when hung is set.
//
// Waiting is the mirror image of waking:
//
//	wait:   enter the waiter; then read the word. If there is something in it, take the waiter back and go on.
//	event:  change the word; then take the waiter, and wake it if there is one.
type side struct {
	word   atom.Uint32
	waiter atom.Pointer[park.Waiter]
	why    worker.Reason
	hook   hook // called instead of waking a waiter, if it is not nil

	turn  lock.Mutex // held by the one call that reads or writes
	seen  uint32     // the word before its last system call
	spent int        // bytes since it waited last
}

const (
	sideReady uint32 = 1 << iota
	sideHung
	sideExpired
	sideClosed
	sideTick
)

// A hook is told, by whoever polls or closes, that a side has become ready, has expired or was closed. It must not block.
type hook interface{ rouse() }

// event makes the side ready.
func (s *side) event(hung bool) {
	set := sideReady
	if hung {
		set |= sideHung
	}
	s.mark(set)
	s.rouse()
}

// mark sets bits and counts the tick.
func (s *side) mark(set uint32) {
	for {
		w := s.word.Load()
		if s.word.CompareAndSwap(w, (w|set)+sideTick) {
			return
		}
	}
}

// end sets sideClosed.
func (s *side) end(how uint32) {
	s.word.Or(how)
	s.rouse()
}

// rouse ends the wait, if there is one, because of a change of the word that was made before.
func (s *side) rouse() {
	if s.hook != nil {
		s.hook.rouse()
	}
	if s.waiter.Load() != nil {
		if w := s.waiter.Swap(nil); w != nil {
			w.Wake()
		}
	}
}

// look returns what a call on this side ends with before it has begun, and leaves the word in seen.
func (s *side) look() error {
	s.seen = s.word.Load()
	switch {
	case s.seen&sideClosed != 0:
		return net.ErrClosed
	case s.seen&sideExpired != 0:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// await waits until the side is ready, expired or closed, or ctx is done. It may return early.
func (s *side) await(ctx context.Context) error {
	const something = sideReady | sideExpired | sideClosed
	s.spent = 0
	w := new(park.Waiter)
	w.Init(ctx)
	w.For(s.why, nil)
	s.waiter.Store(w)
	if s.word.Load()&something != 0 && s.waiter.CompareAndSwap(w, nil) {
		return nil
	}
	err := w.Wait(ctx)
	if err != nil {
		s.waiter.CompareAndSwap(w, nil) // if it has been taken, whoever took it finds that it cannot be woken
	}
	return err
}

// drained clears ready after a call that was made when the word was seen has found nothing.
func (s *side) drained() {
	if s.seen&sideReady != 0 {
		s.word.CompareAndSwap(s.seen, s.seen&^sideReady)
	}
}

// short clears ready after a call that got less than it asked for.
func (s *side) short() {
	if s.seen&sideHung == 0 {
		s.drained()
	}
}
