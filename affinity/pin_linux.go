//go:build !pinwheel_portable

package affinity

import (
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// pinned holds, for each thread that is pinned now, the mask that it had before its outermost pin.
var pinned = struct {
	sync.Mutex
	before map[int]Set
}{before: map[int]Set{}}

// allowed looks at the mask behind the pin by taking the pin off for a moment. Remembering it instead would miss a cpuset
// that has changed since.
func allowed() (set Set, err error) {
	return set, unpinned(func() error {
		set, err = current()
		return err
	})
}

// current asks with growing buffers, since the kernel returns EINVAL for one that is smaller than its own masks, however few
// CPUs there are.
func current() (Set, error) {
	for n := 1024; ; n *= 2 {
		mask := unix.NewCPUSet(n)
		err := unix.SchedGetaffinityDynamic(0, mask)
		if err == nil {
			return maskSet(mask, n), nil
		}
		if !errors.Is(err, unix.EINVAL) || n >= maxCPUs {
			return Set{}, fmt.Errorf("affinity: reading the affinity mask: %w", err)
		}
	}
}

func maskSet(mask unix.CPUSetDynamic, n int) Set {
	b := make([]byte, n/8)
	for cpu := range n {
		if mask.IsSet(cpu) {
			b[cpu/8] |= 1 << (cpu % 8)
		}
	}
	return setOf(b)
}

func setMask(cpus Set) error { return setMaskOf(0, cpus) }

func setMaskOf(thread int, cpus Set) error {
	mask := unix.NewCPUSet(len(cpus.bits) * 8)
	for _, cpu := range cpus.List() {
		mask.Set(cpu)
	}
	return unix.SchedSetaffinityDynamic(thread, mask)
}

func pinThread(thread int, cpus Set) error {
	if err := setMaskOf(thread, cpus); err != nil {
		return pinError(cpus, err)
	}
	return nil
}

func pinSet(cpus Set) (func() error, error) {
	before, err := current()
	if err != nil {
		return noRestore, err
	}
	if err := setMask(cpus); err != nil {
		return noRestore, pinError(cpus, err)
	}

	tid := unix.Gettid()
	pinned.Lock()
	_, nested := pinned.before[tid]
	if !nested {
		pinned.before[tid] = before
	}
	pinned.Unlock()

	done := false
	return func() error {
		if done {
			return nil
		}
		if now := unix.Gettid(); now != tid {
			return fmt.Errorf("affinity: thread %d was pinned, but restore was called on thread %d", tid, now)
		}
		done = true
		if !nested {
			pinned.Lock()
			delete(pinned.before, tid)
			pinned.Unlock()
		}
		if err := widen(before); err != nil {
			return fmt.Errorf("affinity: restoring the CPUs %s: %w", before, err)
		}
		return nil
	}, nil
}

func pinError(cpus Set, err error) error {
	reason := ""
	switch {
	case errors.Is(err, unix.EINVAL):
		reason = " (none of them is online and allowed to this process)"
	case errors.Is(err, unix.EPERM):
		reason = " (a sandbox forbids it)"
	}
	return fmt.Errorf("affinity: cannot pin to CPUs %s: %w%s", cpus, err, reason)
}

// widen sets a mask that the thread has had before, or, if none of its CPUs is left, every CPU: the kernel cuts
// a mask to what the cpuset allows.
func widen(cpus Set) error {
	err := setMask(cpus)
	if errors.Is(err, unix.EINVAL) {
		err = setMask(rangeSet(maxCPUs))
	}
	return err
}

func unpinned(f func() error) error {
	pinned.Lock()
	before, ok := pinned.before[unix.Gettid()]
	pinned.Unlock()
	if !ok {
		return f()
	}
	now, err := current()
	if err != nil || widen(before) != nil {
		return f()
	}
	// If the CPU has gone offline meanwhile the thread stays unpinned, as the kernel would have left it.
	defer func() { _ = setMask(now) }()
	return f()
}
