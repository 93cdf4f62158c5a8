//go:build !linux || pinwheel_portable || mc

package atom

import (
	"sync"
	"time"
	"unsafe"
)

// The portable futex: sleepers queue in a bucket chosen by the address of their word. Comparing the word and joining the
// queue happen under the bucket's mutex, and so does leaving it by a wake: that makes them one step, as in the kernel.
var table [64]bucket

type bucket struct {
	mu       sync.Mutex
	sleepers []*sleeper // in order of arrival, of all words that share the bucket
	_        [128 - unsafe.Sizeof(sync.Mutex{}) - unsafe.Sizeof([]*sleeper(nil))]byte
}

// A sleeper is one call of tableWait. Whoever takes it out of its bucket decides how the wait ends: a wake closes the
// channel, the sleeper itself gives up.
type sleeper struct {
	addr  *Uint32
	woken chan struct{}
}

func bucketOf(addr *Uint32) *bucket {
	// Words lie at least 4 bytes apart; multiplying by 2^64 divided by the golden ratio spreads them, the top bits best.
	h := uint64(uintptr(unsafe.Pointer(addr))) >> 2 * 0x9E3779B97F4A7C15
	return &table[h>>58]
}

func tableWait(addr *Uint32, val uint32, timeout time.Duration) (woken bool) {
	b := bucketOf(addr)
	b.mu.Lock()
	if addr.Load() != val {
		b.mu.Unlock()
		return false
	}
	s := &sleeper{addr: addr, woken: make(chan struct{})}
	b.sleepers = append(b.sleepers, s)
	b.mu.Unlock()

	if timeout < 0 {
		<-s.woken
		return true
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-s.woken:
		return true
	case <-timer.C:
		return !b.remove(s)
	}
}

func tableWake(addr *Uint32, n int) {
	b := bucketOf(addr)
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.sleepers[:0]
	for _, s := range b.sleepers {
		if s.addr == addr && n > 0 {
			n--
			close(s.woken)
		} else {
			kept = append(kept, s)
		}
	}
	clear(b.sleepers[len(kept):])
	b.sleepers = kept
}

// remove takes s out of the bucket and reports whether it was there; if not, a wake has come first.
func (b *bucket) remove(s *sleeper) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, other := range b.sleepers {
		if other == s {
			copy(b.sleepers[i:], b.sleepers[i+1:])
			last := len(b.sleepers) - 1
			b.sleepers[last] = nil
			b.sleepers = b.sleepers[:last]
			return true
		}
	}
	return false
}
