//go:build linux && !pinwheel_portable && race

package netpoll

import "golang.org/x/sys/unix"

// quickTransfer is the one that tells the race detector what is read and written.
func quickTransfer(way, fd int, b []byte, off int64) (int, error) {
	if way == writing {
		return unix.Pwritev2(fd, [][]byte{b}, off, unix.RWF_NOWAIT)
	}
	return unix.Preadv2(fd, [][]byte{b}, off, unix.RWF_NOWAIT)
}
