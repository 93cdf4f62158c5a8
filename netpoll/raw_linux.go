//go:build linux && !pinwheel_portable && !race

package netpoll

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawBytes is up to how many bytes are moved by a raw system call, of which the runtime is not told. It holds up a garbage
// collection for as long as it takes, and on a descriptor that does not block that is the copying, some microseconds.
const rawBytes = 64 << 10

func sysRead(fd int, b []byte) (int, error) {
	if len(b) > rawBytes {
		return unix.Read(fd, b)
	}
	return rawCall(unix.SYS_READ, fd, b)
}

func sysWrite(fd int, b []byte) (int, error) {
	if len(b) > rawBytes {
		return unix.Write(fd, b)
	}
	return rawCall(unix.SYS_WRITE, fd, b)
}

func rawCall(trap uintptr, fd int, b []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(trap, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	switch errno {
	case 0:
		return int(n), nil
	case unix.EAGAIN:
		return 0, unix.EAGAIN // a constant: turning errno into an error would allocate
	}
	return 0, errno
}
