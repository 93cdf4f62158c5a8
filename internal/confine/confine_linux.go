// Package confine confines processes, for tests of what is to work in small places: in cgroups of version 1, and where the kernel refuses
// system calls. It does nothing on other systems than Linux.
package confine

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Group makes a cgroup of version 1 below the root of a hierarchy, or skips the test. The name is made unique for the process. files
// alternates names and values. The cgroup is removed when the test ends.
func Group(t testing.TB, controller, name string, files ...string) string {
	t.Helper()
	dir := filepath.Join("/sys/fs/cgroup", controller, fmt.Sprintf("pinwheel-test-%d-%s", os.Getpid(), name))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Skipf("cannot make a cgroup of version 1: %v", err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) })
	for i := 0; i < len(files); i += 2 {
		if err := Set(dir, files[i], files[i+1]); err != nil {
			t.Skipf("cannot limit a cgroup of version 1: %v", err)
		}
	}
	return dir
}

// Set writes a file of a cgroup.
func Set(group, file, value string) error {
	return os.WriteFile(filepath.Join(group, file), []byte(value), 0)
}

// Join moves this process to a cgroup.
func Join(group string) error { return Set(group, "cgroup.procs", fmt.Sprint(os.Getpid())) }

// Refuse makes a system call fail in all threads of the process, for good: always, or, with a limit, if its second argument is below
// it.
func Refuse(call uint32, errno unix.Errno, limit uint32) error {
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
