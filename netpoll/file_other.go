//go:build !linux || pinwheel_portable

package netpoll

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

// disk is the part of a [Disk] that differs between systems: nothing here.
type disk struct{}

func (*disk) init() {}
func (*disk) shut() {}

func (d *Disk) open(ctx context.Context, name string, flag int, perm fs.FileMode) (backend, error) {
	if d.config.Backend == URing {
		return nil, errors.New("PINWHEEL_FILES=uring: there is no io_uring on this system")
	}
	return openStandard(ctx, &d.crew, name, flag, perm)
}

func openStandard(ctx context.Context, c *crew, name string, flag int, perm fs.FileMode) (backend, error) {
	f, err := opening(ctx, c, func() (*os.File, error) { return os.OpenFile(name, flag, perm) }, func(f *os.File) { _ = f.Close() })
	if err != nil {
		return nil, err
	}
	return &standardFile{c, f}, nil
}
