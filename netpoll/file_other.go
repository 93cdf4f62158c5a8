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

// openStandard has a file opened by a crew, by which its calls are made from then on. That for files refuses what may wait.
func (d *Disk) openStandard(ctx context.Context, c *crew, name string, flag int, perm fs.FileMode) (*standardFile, error) {
	return opening(ctx, c, func() (*standardFile, error) {
		// On Windows opening does not wait, and looking at a pipe would take it away from those who want to open it.
		if c == &d.crew && runtime.GOOS != "windows" && mayWait(os.Stat(name)) {
			return nil, errMayWait
		}
		f, err := os.OpenFile(name, flag, perm)
		if err != nil {
			return nil, err
		}
		s := &standardFile{c, f}
		if mayWait(f.Stat()) {
			s.crew = &d.pipes
		}
		return s, nil
	}, func(s *standardFile) { _ = s.f.Close() })
}
