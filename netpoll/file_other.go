//go:build !linux || pinwheel_portable

package netpoll

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime"
)

// disk is the part of a [Disk] that differs between systems: nothing here.
type disk struct{}

func (*disk) init() {}
func (*disk) shut() {}

func (d *Disk) open(ctx context.Context, name string, flag int, perm fs.FileMode) (backend, error) {
	if d.config.Backend == URing {
		return nil, errors.New("PINWHEEL_FILES=uring: there is no io_uring on this system")
	}
	f, err := d.openStandard(ctx, &d.crew, name, flag, perm)
	if err == errMayWait {
		f, err = d.openStandard(ctx, &d.pipes, name, flag, perm)
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// errMayWait says that something is not to be opened by the crew for files.
var errMayWait = errors.New("not a file or a directory")

// openStandard has a file opened by a crew, by which its calls are made from then on. The crew for files leaves pipes and the like to
// the other: opening one may wait for somebody to open the other end, and reading it for somebody to write.
func (d *Disk) openStandard(ctx context.Context, c *crew, name string, flag int, perm fs.FileMode) (*standardFile, error) {
	return opening(ctx, c, func() (*standardFile, error) {
		// On Windows opening does not wait, and looking at a pipe would take it away from those who want to open it.
		if c == &d.crew && runtime.GOOS != "windows" {
			if info, err := os.Stat(name); err == nil && mayWait(info) {
				return nil, errMayWait
			}
		}
		f, err := os.OpenFile(name, flag, perm)
		if err != nil {
			return nil, err
		}
		s := &standardFile{c, f}
		if info, err := f.Stat(); err == nil && mayWait(info) {
			s.crew = &d.pipes
		}
		return s, nil
	}, func(s *standardFile) { _ = s.f.Close() })
}

func mayWait(info fs.FileInfo) bool { return !info.Mode().IsRegular() && !info.IsDir() }
