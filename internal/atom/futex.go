package atom

import "time"

// FutexWait blocks the caller while *addr holds val: until a [FutexWake] on addr, until timeout has passed, or for no reason
// at all. A negative timeout waits without limit. It reports whether a wake ended it; false covers a value that differed at
// the start, the timeout and an interruption by a signal, and is no evidence about the word.
//
// On Linux it blocks the thread, by a system call before which it gives the thread's P away, so that the P serves others and
// no garbage collection waits for it. (A raw system call alone would hold up every collection for as long as it sleeps.)
// Elsewhere, and under the build tag pinwheel_portable, it blocks the goroutine on a channel.
//
// A wait and the wake that ends it cost 2.5 to 8 us together on Linux, the scheduling of the woken thread included.
func FutexWait(addr *Uint32, val uint32, timeout time.Duration) (woken bool) {
	return futexWait(addr, val, timeout)
}

// FutexWake ends the waits of up to n callers that sleep in [FutexWait] on addr, and returns without blocking. Change the
// word first: a caller that is about to sleep compares the word, and is not woken by a wake that came before.
//
// What was written before FutexWake is visible to the caller that it wakes. It costs 130 to 260 ns on Linux when
// nobody sleeps.
func FutexWake(addr *Uint32, n int) { futexWake(addr, n) }
