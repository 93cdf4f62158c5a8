//go:build !linux || pinwheel_portable

package affinity

import "runtime"

func allowed() (Set, error) { return rangeSet(runtime.NumCPU()), nil }

func current() (Set, error) { return Set{}, ErrUnsupported }

func pinSet(Set) (func() error, error) { return noRestore, ErrUnsupported }

func unpinned(f func() error) error { return f() }

func pinThread(int, Set) error { return ErrUnsupported }
