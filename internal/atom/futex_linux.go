//go:build linux && !pinwheel_portable && !mc

package atom

import (
	"math"
	"syscall"
	"time"
	"unsafe"
)

// The operations are private to this process: the kernel then hashes the virtual address and takes no lock on the address
// space. Neither syscall nor golang.org/x/sys/unix names them.
const (
	futexWaitPrivate = 0 | 128
	futexWakePrivate = 1 | 128
)

func futexWait(addr *Uint32, val uint32, timeout time.Duration) (woken bool) {
	var limit *syscall.Timespec
	if timeout >= 0 {
		// On a 32-bit system the kernel's seconds are 32 bits wide. Waking too early is allowed.
		ts := syscall.NsecToTimespec(int64(min(timeout, math.MaxInt32*time.Second)))
		limit = &ts
	}
	return blockOnFutex(addr, val, limit) == 0
}

// blockOnFutex gives its P away before it waits, where syscall.Syscall would leave it to the runtime's monitor to take the P
// after some time: up to 10 ms if there is no other use for it, during which the monitor wakes every 20 us or so. See
// docs/decisions/0007-park-without-a-p.md.
//
// Between the two calls the stack must not grow, hence nosplit, and nothing may run that needs a P, hence norace.
//
//go:nosplit
//go:norace
func blockOnFutex(addr *Uint32, val uint32, limit *syscall.Timespec) syscall.Errno {
	entersyscallblock()
	_, _, errno := syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(addr)), futexWaitPrivate, uintptr(val),
		uintptr(unsafe.Pointer(limit)), 0, 0)
	exitsyscall()
	return errno
}

// The runtime promises to keep these two for those who link to them (go.dev/issue/67401).

//go:linkname entersyscallblock runtime.entersyscallblock
func entersyscallblock()

//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()

// futexWake may be a raw system call, because it cannot block.
func futexWake(addr *Uint32, n int) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(addr)), futexWakePrivate, uintptr(n))
}
