//go:build linux && !pinwheel_portable && !race

package netpoll

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// quickTransfer moves bytes if that can be done without blocking. It is a raw system call for a moderate number of bytes, as for
// sockets.
func quickTransfer(way, fd int, b []byte, off int64) (int, error) {
	trap := uintptr(unix.SYS_PREADV2)
	if way == writing {
		trap = unix.SYS_PWRITEV2
	}
	var iov unix.Iovec
	iov.Base = unsafe.SliceData(b)
	iov.SetLen(len(b))
	lo, hi := uintptr(off), uintptr(uint64(off)>>32)
	var (
		n     uintptr
		errno syscall.Errno
	)
	if len(b) > rawBytes {
		n, _, errno = syscall.Syscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(&iov)), 1, lo, hi, unix.RWF_NOWAIT)
	} else {
		n, _, errno = syscall.RawSyscall6(trap, uintptr(fd), uintptr(unsafe.Pointer(&iov)), 1, lo, hi, unix.RWF_NOWAIT)
	}
	switch errno {
	case 0:
		return int(n), nil
	case unix.EAGAIN:
		return 0, unix.EAGAIN
	}
	return 0, errno
}
