package gid

import (
	"runtime"
	"sync"
)

// Free reports whether the calling goroutine is known not to be locked to its thread. The runtime has no function that tells,
// but the goroutine's descriptor has a word for it, which refers to the thread, or is nil. False may also mean that this word was
// not found, which is so wherever Current is slow. It costs a nanosecond, and some microseconds the first time.
func Free() bool {
	at := lockWord()
	return at != 0 && word(at) == 0
}

const (
	searched = 48 // words of a descriptor that are looked at; it has more than fifty
	wordSize = 8
)

// lockWord returns the offset of that word, or 0. It looks what changes in a descriptor while its goroutine is locked: one word,
// from nil to what another word says too, the reference to the thread on which the goroutine runs.
var lockWord = sync.OnceValue(func() uintptr {
	found := make(chan uintptr)
	go func() { found <- findLockWord() }() // a goroutine that is not locked yet
	return <-found
})

func findLockWord() (at uintptr) {
	var free, locked, freed [searched]uintptr
	look := func(into *[searched]uintptr) {
		for i := range into {
			into[i] = word(uintptr(i) * wordSize)
		}
	}
	look(&free)
	runtime.LockOSThread()
	look(&locked)
	runtime.UnlockOSThread()
	look(&freed)
	for i := range free {
		if free[i] != 0 || locked[i] == 0 || freed[i] != 0 {
			continue
		}
		for k := range locked {
			if k != i && locked[k] == locked[i] {
				if at != 0 {
					return 0 // which of the two?
				}
				at = uintptr(i) * wordSize
				break
			}
		}
	}
	return at
}
