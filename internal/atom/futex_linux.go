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
	_, _, errno := syscall.Syscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(addr)), futexWaitPrivate, uintptr(val),
		uintptr(unsafe.Pointer(limit)), 0, 0)
	return errno == 0
}

// futexWake may be a raw system call, because it cannot block.
func futexWake(addr *Uint32, n int) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(addr)), futexWakePrivate, uintptr(n))
}
