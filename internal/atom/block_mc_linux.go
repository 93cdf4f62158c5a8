//go:build linux && (mc || pinwheel_portable)

package atom

import (
	"syscall"
	"unsafe"
)

// BlockingCall makes a system call that may block.
func BlockingCall(trap, a1 uintptr, p2 unsafe.Pointer, a3 uintptr, p4 unsafe.Pointer, a5, a6 uintptr) (uintptr, syscall.Errno) {
	r, _, errno := syscall.Syscall6(trap, a1, uintptr(p2), a3, uintptr(p4), a5, a6)
	return r, errno
}
