//go:build linux && !pinwheel_portable

package netpoll

import (
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// An ownFD is a descriptor by which one worker reads a file in line at an offset, besides the file's.
//
// The kernel counts each system call on an open file in and out, and where workers read one file at a time that count goes to and
// fro between their cores just as the one of [holders] would. So whoever has got a hold of its own gets a descriptor of its own too:
// the same file, opened again. It is closed with the file. Where that is refused, nothing is lost.
type ownFD struct {
	fd      atom.Int32      // and 1; 0 before anybody has asked for it, or notOwn
	cleanup runtime.Cleanup // closes it with a file that was forgotten
}

const (
	notOwn  = -1
	mostOwn = 64 // of a disk: a process may have no more than a thousand descriptors
)

// inlineFD returns the descriptor to use in line. c is held.
func (f *diskFile) inlineFD(c *hold, way int, off int64) int {
	if way != reading || off < 0 || c == &f.holders.first {
		return f.fd
	}
	own := c.own.fd.Load()
	if own == 0 && c.own.fd.CompareAndSwap(0, notOwn) {
		own = f.reopen(&c.own)
	}
	if own > 0 {
		return int(own) - 1
	}
	return f.fd
}

func (f *diskFile) reopen(own *ownFD) int32 {
	d := f.disk
	if d.own.Add(1) <= mostOwn && f.isPlain() {
		const flags = unix.O_RDONLY | unix.O_CLOEXEC | unix.O_LARGEFILE
		if fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(f.fd), flags|f.flag&unix.O_NOATIME, 0); err == nil {
			own.cleanup = runtime.AddCleanup(f, d.closeOwn, fd)
			own.fd.Store(int32(fd) + 1)
			return int32(fd) + 1
		}
	}
	d.own.Add(-1)
	return notOwn
}

func (d *Disk) closeOwn(fd int) {
	_ = unix.Close(fd)
	d.own.Add(-1)
}

// isPlain reports whether to open the file again is nothing but that, and gives the same file: a network would be asked, and a layered
// file system may have a newer one by the same name.
func (f *diskFile) isPlain() bool {
	const ext4, xfs, btrfs, tmpfs = 0xEF53, 0x58465342, 0x9123683E, 0x01021994
	var st unix.Statfs_t
	if f.flag&unix.O_ACCMODE != os.O_RDONLY || unix.Fstatfs(f.fd, &st) != nil {
		return false
	}
	switch uint32(st.Type) {
	case ext4, xfs, btrfs, tmpfs:
		return true
	}
	return false
}

// closeAll gives back the file's descriptors. Nobody holds it any more.
func (f *diskFile) closeAll() error {
	f.closeDir()
	spread := f.holders.spreadOnes()
	for i := range spread {
		if own := &spread[i].own; own.fd.Load() > 0 {
			own.cleanup.Stop()
			f.disk.closeOwn(int(own.fd.Load()) - 1)
		}
	}
	return unix.Close(f.fd)
}
