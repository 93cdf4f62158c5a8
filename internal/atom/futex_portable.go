//go:build (!linux || pinwheel_portable) && !mc

package atom

import "time"

func futexWait(addr *Uint32, val uint32, timeout time.Duration) (woken bool) {
	return tableWait(addr, val, timeout)
}

func futexWake(addr *Uint32, n int) { tableWake(addr, n) }
