package affinity

import (
	"errors"
	"fmt"
	"runtime"
)

// ErrUnsupported is returned by [Pin], [PinSet] and [Current] where threads cannot be pinned: on every system but Linux, and
// under the build tag pinwheel_portable. It is an [errors.ErrUnsupported].
var ErrUnsupported = fmt.Errorf("affinity: threads cannot be pinned on this system: %w", errors.ErrUnsupported)

// Allowed returns the CPUs that the process may use. On Linux that is the affinity mask of the calling thread, with what
// [Pin] and [PinSet] did to it left out: a task on a pinned worker gets the same answer as everybody else. The
// cgroup's cpuset is part of the mask already; a quota is not, see [DefaultWorkers].
//
// The set is never empty. With an error it is the CPUs 0 to [runtime.NumCPU]-1.
//
// It costs two system calls, five on a pinned thread.
func Allowed() (Set, error) {
	set, err := allowed()
	if err == nil && set.IsEmpty() {
		err = errors.New("affinity: the kernel reports no allowed CPU")
	}
	if err != nil {
		return rangeSet(runtime.NumCPU()), err
	}
	return set, nil
}

// Current returns the affinity mask of the calling thread as it is now, pinned or not. A goroutine that is not locked to its
// thread may be on another one when it looks at the answer.
func Current() (Set, error) { return current() }

// Pin restricts the calling thread to one CPU; see [PinSet].
func Pin(cpu int) (restore func() error, err error) {
	if cpu < 0 || cpu >= maxCPUs {
		return noRestore, fmt.Errorf("affinity: cannot pin to CPU %d: want 0 to %d", cpu, maxCPUs-1)
	}
	return PinSet(NewSet(cpu))
}

// PinSet restricts the calling thread to the given CPUs, or to those of them that the process may use. The calling
// goroutine must be locked to the thread ([runtime.LockOSThread]) and stay so until it has called restore, which gives
// the thread its previous mask back and must be called on the same thread. Pins nest and are restored innermost first.
//
// Call restore also before a goroutine exits while locked, although the thread dies with it: the main thread does not die,
// and this package forgets the thread only then. If the previous CPUs are all gone by that time, the
// thread gets every CPU that the process may use. Calling restore again does nothing.
//
// A failure is harmless: the mask is what it was, restore is a function that does nothing, and the error says what the kernel
// objects to. It unwraps to the system's error, EINVAL if none of the CPUs may be used and EPERM if a sandbox forbids the call,
// or is [ErrUnsupported].
//
// Threads of Go's runtime do not inherit the mask, child processes do: see [Unpinned]. It costs three system calls, and restore two.
func PinSet(cpus Set) (restore func() error, err error) {
	if cpus.IsEmpty() {
		return noRestore, errors.New("affinity: cannot pin to no CPU at all")
	}
	return pinSet(cpus)
}

// PinThread restricts another thread of this process to the given CPUs, or to those of them that the process may use. It moves
// a thread that [PinSet] has pinned, or has failed to pin; what that thread's restore gives back stays the same. The number is
// the one that the system has for the thread (gettid), and the caller must know that the thread has not ended. An empty set is
// an error. Errors are those of PinSet. It costs one system call.
func PinThread(thread int, cpus Set) error {
	if cpus.IsEmpty() {
		return errors.New("affinity: cannot pin to no CPU at all")
	}
	return pinThread(thread, cpus)
}

func noRestore() error { return nil }

// Unpinned calls f, on the calling thread, with the affinity mask that the thread had before it was pinned, pins it again
// and returns f's error. A child process inherits the mask of the thread that starts it, so a command is started from a
// pinned thread by
//
//	err := affinity.Unpinned(cmd.Start)
//
// On a thread that is not pinned, and where the mask cannot be changed, it only calls f. f must not suspend the running task.
// It costs four system calls.
func Unpinned(f func() error) error { return unpinned(f) }
