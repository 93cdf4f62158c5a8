//go:build !pinwheel_portable

package affinity_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

// childMain does what the parent asks, a list of words, and reports:
//
//	join=DIR     first move the process to a cgroup
//	eperm        let the kernel refuse sched_setaffinity with EPERM, and so on, from now on
//	einval
//	blind        refuse sched_getaffinity with ENOSYS
//	wide         refuse buffers of less than 4096 CPUs to sched_getaffinity, as a kernel for so many does
func childMain(do string) {
	for _, word := range strings.Fields(do) {
		name, arg, _ := strings.Cut(word, "=")
		var err error
		switch name {
		case "report":
		case "join":
			err = os.WriteFile(arg+"/cgroup.procs", []byte(fmt.Sprint(os.Getpid())), 0)
		case "eperm":
			err = refuse(unix.SYS_SCHED_SETAFFINITY, unix.EPERM, 0)
		case "einval":
			err = refuse(unix.SYS_SCHED_SETAFFINITY, unix.EINVAL, 0)
		case "blind":
			err = refuse(unix.SYS_SCHED_GETAFFINITY, unix.ENOSYS, 0)
		case "wide":
			err = refuse(unix.SYS_SCHED_GETAFFINITY, unix.EINVAL, 4096/8)
		default:
			err = fmt.Errorf("no child %q", word)
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}

	runtime.LockOSThread()
	var r report
	var err error
	if r.Allowed, err = affinity.Allowed(); err != nil {
		r.AllowedError = err.Error()
	}
	r.DefaultWorkers = affinity.DefaultWorkers()
	top, _ := affinity.Read()
	r.Topology, r.Quota = top.Allowed, top.Limits.Quota
	cpus := r.Allowed.List()
	restore, err := affinity.Pin(cpus[len(cpus)-1])
	if err != nil {
		r.PinError = err.Error()
	}
	r.Pinned, _ = affinity.Current()
	if err := restore(); err != nil {
		panic(err)
	}
	r.Restored, _ = affinity.Current()
	printReport(r)
}

// refuse makes a system call fail in all threads of the process, for good: always, or, with a limit, if its second
// argument is below it.
func refuse(call uint32, errno unix.Errno, limit uint32) error {
	const nr, arg1 = 0, 16 + 8 // offsets in struct seccomp_data
	if limit == 0 {
		limit = ^uint32(0)
	}
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: nr},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 3},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: arg1},
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: limit, Jt: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(filter)
	if e != 0 {
		return fmt.Errorf("seccomp: %w", e)
	}
	return nil
}
