package mc

import (
	"time"
	"unsafe"
)

// What internal/atom calls. Outside an exploration none of it does anything but say so.

// running is the thread whose turn it is; nil outside an exploration, in the set-up of a run and in its final check.
var running *thread

// Active reports whether the caller is a thread of an exploration.
func Active() bool { return running != nil }

// Point says that the calling thread is about to operate on the word at addr. Other threads may run before it returns. It
// reports whether the run is being traced, in which case [Trace] must say what the operation did.
func Point(addr unsafe.Pointer) (traced bool) {
	th := running
	if th == nil {
		return false
	}
	th.point()
	th.word = uintptr(addr)
	return th.run.tracing
}

// Changed says that the operation changed the word: threads that have yielded may find what they wait for.
func Changed() {
	if th := running; th != nil {
		th.run.rouse()
	}
}

// Trace records what the operation after the last [Point] did. Results come last.
func Trace(operation string, operands ...any) { running.trace(operation, operands) }

// Wait sleeps on the word at addr if it still has the expected value, until a [Wake], the timeout, if that is not negative,
// or for no reason. It reports whether it was woken. The caller must be [Active].
func Wait(addr unsafe.Pointer, expected func() bool, timeout time.Duration) (woken bool) {
	traced := Point(addr)
	th := running
	if !expected() {
		if traced {
			Trace("wait", "value differs")
		}
		return false
	}
	if traced {
		Trace("wait", "sleeps")
	}
	woken = th.sleep(timeout)
	if traced {
		Trace("wait", "ends", woken)
	}
	return woken
}

// Wake ends up to n sleeps on the word at addr, oldest first. The caller must be [Active].
func Wake(addr unsafe.Pointer, n int) {
	traced := Point(addr)
	woken := running.run.wake(uintptr(addr), n)
	if traced {
		Trace("wake", n, woken)
	}
}

// Yield gives up the turn until a word has changed.
func Yield() {
	if th := running; th != nil {
		th.pause()
		if th.run.tracing {
			th.word = 0
			Trace("yield")
		}
	}
}

// Now returns the clock of the run, which starts at 0 and moves only when a timed wait runs out. The caller must be [Active].
func Now() time.Duration { return running.run.clock }
