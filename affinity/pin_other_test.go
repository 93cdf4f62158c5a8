//go:build !linux || pinwheel_portable

package affinity_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

func TestPinningIsUnsupportedHereAndHarmless(t *testing.T) {
	restore, err := affinity.Pin(0)
	if !errors.Is(err, affinity.ErrUnsupported) || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Pin: %v", err)
	}
	if err := restore(); err != nil {
		t.Error(err)
	}
	if _, err := affinity.Current(); !errors.Is(err, affinity.ErrUnsupported) {
		t.Errorf("Current: %v", err)
	}
	mine := errors.New("mine")
	if err := affinity.Unpinned(func() error { return mine }); err != mine {
		t.Errorf("Unpinned: %v", err)
	}
}

func TestAllowedIsNumCPUHere(t *testing.T) {
	set, err := affinity.Allowed()
	if err != nil || set.Len() != runtime.NumCPU() || set.First() != 0 {
		t.Errorf("Allowed: %v, %v", set, err)
	}
	top := read(t)
	checkSane(t, top)
	if top.Allowed != set || len(top.Cores) != set.Len() || len(top.Packages) != 1 || affinity.DefaultWorkers() != set.Len() {
		t.Errorf("%+v", top)
	}
}
