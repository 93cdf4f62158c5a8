//go:build !linux || pinwheel_portable

package netpoll

import (
	"context"
	"errors"
	"io/fs"
)

// disk is the part of a [Disk] that differs between systems: nothing here.
type disk struct{}

func (*Disk) init() {}
func (*Disk) shut() {}

func (d *Disk) open(ctx context.Context, name string, flag int, perm fs.FileMode) (backend, error) {
	if d.config.Backend == URing {
		return nil, errors.New("PINWHEEL_FILES=uring: there is no io_uring on this system")
	}
	return openStandard(ctx, &d.crew, name, flag, perm)
}
