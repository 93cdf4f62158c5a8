//go:build linux && !pinwheel_portable && race

package netpoll

import "golang.org/x/sys/unix"

// These tell the race detector that what was written happens before what is read.

func sysRead(fd int, b []byte) (int, error)  { return unix.Read(fd, b) }
func sysWrite(fd int, b []byte) (int, error) { return unix.Write(fd, b) }
