package lock

import (
	"context"
	"fmt"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Semaphore bounds how much of something is used at once. The zero value has no permits; give it some with
// [Semaphore.Resize].
//
// Permits go out in the order of the requests: a large one is not overtaken by smaller ones, so it does not starve.
type Semaphore struct {
	queue queue
	size  int64
	used  int64
}

// NewSemaphore returns a semaphore with n permits. It panics if n is negative.
func NewSemaphore(n int64) *Semaphore {
	s := &Semaphore{}
	s.Resize(n)
	return s
}

// Acquire takes n permits: it waits until they are free and everybody has been served who came before. If ctx is done first,
// it returns its error and takes none; free permits are taken whatever ctx says. It returns an error at once if s has fewer
// than n permits in all, and panics if n is negative.
func (s *Semaphore) Acquire(ctx context.Context, n int64) error {
	mustNotBeNegative(n)
	s.queue.Lock()
	if s.take(n) {
		s.queue.Unlock()
		return nil
	}
	if n > s.size {
		size := s.size
		s.queue.Unlock()
		return fmt.Errorf("lock: Acquire of %d permits of a Semaphore that has %d", n, size)
	}
	w := waiterFor(worker.ForSemaphore, s)
	w.n = n
	_, err := s.queue.wait(ctx, w)
	if err != nil {
		s.grant() // if it was the first, those behind it may be able to go on
		s.queue.Unlock()
	}
	return err
}

// TryAcquire takes n permits if they are free and nobody waits, and reports whether it did. It panics if n is negative.
func (s *Semaphore) TryAcquire(n int64) bool {
	mustNotBeNegative(n)
	s.queue.Lock()
	defer s.queue.Unlock()
	return s.take(n)
}

func mustNotBeNegative(n int64) {
	if n < 0 {
		panic("lock: Semaphore with a negative number of permits")
	}
}

func (s *Semaphore) take(n int64) bool {
	if !s.queue.empty() || n > s.size-s.used {
		return false
	}
	s.used += n
	return true
}

// Release gives n permits back. It panics if fewer are taken, or n is negative. It does not block.
func (s *Semaphore) Release(n int64) {
	s.queue.Lock()
	if n < 0 || n > s.used {
		used := s.used
		s.queue.Unlock()
		panic(fmt.Sprintf("lock: Release of %d permits of a Semaphore of which %d are taken", n, used))
	}
	s.used -= n
	s.grant()
	s.queue.Unlock()
}

// Resize changes the number of permits. If more than n are taken, the next permits go out when enough have come back. A request
// for more than n permits that is waiting goes on waiting, until there is a larger Resize or its context is done. It panics if
// n is negative.
func (s *Semaphore) Resize(n int64) {
	mustNotBeNegative(n)
	s.queue.Lock()
	s.size = n
	s.grant()
	s.queue.Unlock()
}

func (s *Semaphore) grant() {
	for w := s.queue.first; w != nil && w.n <= s.size-s.used; w = s.queue.first {
		s.queue.remove(w)
		s.used += w.n
		if !w.Wake() {
			s.used -= w.n
		}
	}
}
