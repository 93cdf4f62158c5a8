//go:build linux && !pinwheel_portable && !mc

package atom

import (
	"syscall"
	"unsafe"
)

// BlockingCall makes a system call that is expected to block for long, and gives the P away before: see [FutexWait]. The pointers
// are arguments 2 and 4.
//
//go:nosplit
//go:norace
func BlockingCall(trap, a1 uintptr, p2 unsafe.Pointer, a3 uintptr, p4 unsafe.Pointer, a5, a6 uintptr) (uintptr, syscall.Errno) {
	entersyscallblock()
	r, _, errno := syscall.RawSyscall6(trap, a1, uintptr(p2), a3, uintptr(p4), a5, a6)
	exitsyscall()
	return r, errno
}
