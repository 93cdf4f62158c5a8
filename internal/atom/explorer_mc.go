//go:build mc

package atom

import (
	"time"
	"unsafe"

	"github.com/pinwheel-sched/pinwheel/internal/mc"
)

// Within an exploration, waiting and time belong to the explorer; outside, the portable futex stands in.

func futexWait(addr *Uint32, val uint32, timeout time.Duration) (woken bool) {
	if !mc.Active() {
		return tableWait(addr, val, timeout)
	}
	return mc.Wait(unsafe.Pointer(addr), func() bool { return addr.a.Load() == val }, timeout)
}

func futexWake(addr *Uint32, n int) {
	if !mc.Active() {
		tableWake(addr, n)
		return
	}
	mc.Wake(unsafe.Pointer(addr), n)
}

func pause() { mc.Yield() }

func now() time.Duration {
	if !mc.Active() {
		return time.Since(start)
	}
	return mc.Now()
}
