package workload

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const directFlag = unix.O_DIRECT

// alignment returns how many bytes to leave out for the rest to be on a page of its own.
func alignment(b []byte) int { return int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) % pageSize) }
