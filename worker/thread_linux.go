//go:build linux && !pinwheel_portable

package worker

import (
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

func pin(cpus affinity.Set) (restore func() error, err error) { return affinity.PinSet(cpus) }

func onMainThread() bool { return unix.Gettid() == unix.Getpid() }

func threadID() int { return unix.Gettid() }

// awaitThreadEnd waits until a thread whose goroutine has returned is gone, which takes the kernel some microseconds.
func awaitThreadEnd(id int) {
	for unix.Tgkill(unix.Getpid(), id, 0) == nil {
		runtime.Gosched()
	}
}

// currentCPU returns the CPU that the caller runs on, or -1.
func currentCPU() int {
	var cpu uint32
	if _, _, errno := syscall.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0); errno != 0 {
		return -1
	}
	return int(cpu)
}
