//go:build linux && !pinwheel_portable

package netpoll

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// forgetCache makes all calls take the slow ways.
func (f *diskFile) forgetCache() {
	f.quick[reading].Store(false)
	f.quick[writing].Store(false)
}

// refuse makes the kernel answer system calls of this process with an error, once and for all.
func refuse(t *testing.T, errno unix.Errno, calls ...uint32) {
	t.Helper()
	r, w, err := os.Pipe() // so that the runtime has made its own poller, which it cannot do without
	if err != nil {
		t.Fatal(err)
	}
	_, _ = r.Close(), w.Close()
	const load, jumpIfEqual, ret, answer, allow = 0x20, 0x15, 0x06, 0x00050000, 0x7fff0000
	filter := []unix.SockFilter{{Code: load}} // the number of the call
	for i, c := range calls {
		filter = append(filter, unix.SockFilter{Code: jumpIfEqual, Jt: uint8(len(calls) - i), K: c})
	}
	filter = append(filter, unix.SockFilter{Code: ret, K: allow}, unix.SockFilter{Code: ret, K: answer | uint32(errno)})
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	const setFilter, allThreads = 1, 1
	_, _, e := unix.Syscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
	if e == 0 {
		_, _, e = unix.Syscall(unix.SYS_SECCOMP, setFilter, allThreads, uintptr(unsafe.Pointer(&prog)))
	}
	if e != 0 {
		t.Skip("seccomp: ", e)
	}
}

const refusedCalls = "NETPOLL_TEST_REFUSED"

// The tests of files, in processes to which the system refuses something.
func TestFilesWhereTheSystemRefusesSomething(t *testing.T) {
	if text := os.Getenv(refusedCalls); text != "" {
		errno, err := strconv.Atoi(strings.Split(text, ",")[0])
		if err != nil {
			t.Fatal(err)
		}
		var calls []uint32
		for _, c := range strings.Split(text, ",")[1:] {
			n, err := strconv.ParseUint(c, 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			calls = append(calls, uint32(n))
		}
		refuse(t, unix.Errno(errno), calls...)
		t.Run("same", TestFilesDoWhatThoseOfPackageOSDo)
		t.Run("opening", TestOpeningFailsAsInPackageOS)
		t.Run("many", TestReadsAtTheSameTime)
		t.Run("closing", TestClosingTheDisk)
		d := newDisk(t, Auto)
		if r := d.ring(); (r == nil) != (calls[0] != unix.SYS_PREADV2) {
			t.Errorf("there is a ring: %v", r != nil)
		}
		return
	}
	for what, calls := range map[string][]uint32{
		"io_uring_setup":    {unix.SYS_IO_URING_SETUP},
		"io_uring_register": {unix.SYS_IO_URING_REGISTER},
		"eventfd":           {unix.SYS_EVENTFD2},
		"in line":           {unix.SYS_PREADV2, unix.SYS_PWRITEV2, unix.SYS_OPENAT2},
	} {
		errnos := []unix.Errno{unix.ENOSYS, unix.EPERM, unix.EOPNOTSUPP}
		if testing.Short() {
			errnos = errnos[calls[0]%3:][:1] // not the same for all calls
		}
		for _, errno := range errnos {
			text := strconv.Itoa(int(errno))
			for _, c := range calls {
				text += "," + strconv.Itoa(int(c))
			}
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.short", "-test.run=^TestFilesWhereTheSystemRefusesSomething$")
			cmd.Env = append(os.Environ(), refusedCalls+"="+text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s, %v: %v\n%.3000s", what, errno, err, out)
			}
		}
	}
}

// If io_uring is asked for by name, its absence is an error that says so.
func TestURingByNameIsNotReplaced(t *testing.T) {
	p, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	d := NewDisk(DiskConfig{Poller: p, Backend: URing})
	defer d.Close()
	d.why = os.NewSyscallError("io_uring_setup", unix.EPERM)
	d.over.Store(true)
	_, err = d.Open(t.Context(), os.Args[0], os.O_RDONLY, 0)
	if err == nil || !strings.Contains(err.Error(), "PINWHEEL_FILES=uring") || !strings.Contains(err.Error(), "io_uring_setup") {
		t.Errorf("error %v", err)
	}
}

// A pipe is opened when somebody opens its other end, and does not see the opening that only looks.
func TestPipes(t *testing.T) {
	everyDisk(t, func(t *testing.T, d *Disk) {
		name := filepath.Join(t.TempDir(), "pipe")
		if err := unix.Mkfifo(name, 0o600); err != nil {
			t.Skip(err)
		}
		var writer sync.WaitGroup
		writer.Go(func() {
			if err := os.WriteFile(name, []byte("through a pipe"), 0); err != nil {
				t.Error(err)
			}
		})
		f, err := d.Open(t.Context(), name, os.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 100)
		n, err := f.Read(b)
		if err != nil || string(b[:n]) != "through a pipe" {
			t.Errorf("%q, %v", b[:n], err)
		}
		writer.Wait()
		if n, err := f.Read(b); n != 0 || err == nil {
			t.Errorf("after the end: %d, %v", n, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}

// O_DIRECT wants aligned buffers, which the copies for calls that can be cancelled have to be too.
func TestDirectReads(t *testing.T) {
	everyDisk(t, func(t *testing.T, d *Disk) {
		name := filepath.Join(".", "direct.tmp") // not every file system for temporary files can do it
		if err := os.WriteFile(name, make([]byte, 16<<10), 0o600); err != nil {
			t.Skip(err)
		}
		defer func() { _ = os.Remove(name) }()
		f, err := d.Open(t.Context(), name, os.O_RDWR|unix.O_DIRECT, 0)
		if err != nil {
			t.Skip(err)
		}
		defer func() { _ = f.Close() }()
		b := aligned(4096)
		for i := range b {
			b[i] = 7
		}
		for _, g := range []*File{f, f.With(t.Context())} {
			if n, err := g.WriteAt(b, 4096); n != 4096 || err != nil {
				t.Errorf("write: %d, %v", n, err)
			}
			c := aligned(8192)
			if n, err := g.ReadAt(c, 0); n != 8192 || err != nil || c[4095] != 0 || c[4096] != 7 {
				t.Errorf("read: %d, %v", n, err)
			}
		}
	})
}

// Seek and ReadDir wait for calls that use the position, and suspend their tasks for that.
func TestSeekLeavesTheWorkerToOthers(t *testing.T) {
	p, pool := newLoop(t, 1)
	d := NewDisk(DiskConfig{Poller: p, Workers: 1, Backend: Threads})
	defer d.Close()
	f, err := d.Open(background, t.TempDir(), os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	turn := &f.backend.(*diskFile).turn
	if err := turn.Lock(background); err != nil { // as a call that reads a large directory
		t.Fatal(err)
	}
	var begun, all sync.WaitGroup
	begun.Add(2)
	all.Add(3)
	submit := func(run func()) {
		r := &calling{run: run, over: &all}
		r.Init(background, r)
		if err := pool.Submit(&r.Root); err != nil {
			t.Fatal(err)
		}
	}
	submit(func() {
		begun.Done()
		if at, err := f.Seek(0, io.SeekStart); at != 0 || err != nil {
			t.Errorf("Seek gave %d, %v", at, err)
		}
	})
	submit(func() {
		begun.Done()
		if list, err := f.ReadDir(-1); len(list) != 0 || err != nil {
			t.Errorf("ReadDir gave %v, %v", list, err)
		}
	})
	begun.Wait()
	submit(turn.Unlock)
	all.Wait()
}

// Where workers read a file at the same time, each gets a descriptor of its own. They are bounded, and closed with the file or when it is forgotten.
func TestDescriptorsOfReadersAreClosed(t *testing.T) {
	memory, err := unix.MemfdCreate("pages", unix.MFD_CLOEXEC) // of a kind that may be opened again
	if err != nil {
		t.Skip("memfd_create: ", err)
	}
	defer func() { _ = unix.Close(memory) }()
	if _, err := unix.Write(memory, []byte("abc")); err != nil {
		t.Fatal(err)
	}
	d := newDisk(t, Threads)
	open := func() (*File, *diskFile) {
		f, err := d.Open(t.Context(), "/proc/self/fd/"+strconv.Itoa(memory), os.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		disk := f.backend.(*diskFile)
		more := make([]paddedHold, spreadHolds)
		disk.holders.spread.Store(&more)
		return f, disk
	}
	before := descriptors(t)
	read := func(f *File, disk *diskFile) (own int) {
		for who := range uint(2 * spreadHolds) {
			c := disk.holders.take(who)
			b := make([]byte, 4)
			n, err := unix.Pread(disk.inlineFD(c, reading, 1), b, 1)
			if string(b[:n]) != "bc" || err != nil {
				t.Fatalf("%q, %v", b[:n], err)
			}
			if disk.inlineFD(c, writing, 1) != disk.fd || disk.inlineFD(c, reading, -1) != disk.fd {
				t.Fatal("a descriptor of its own for something else than reading at an offset")
			}
			disk.release(c)
		}
		for i := range spreadHolds {
			if (*disk.holders.spread.Load())[i].own.fd.Load() > 0 {
				own++
			}
		}
		return own
	}
	var files []*File
	for range mostOwn / spreadHolds {
		f, disk := open()
		if n := read(f, disk); n != spreadHolds {
			t.Fatalf("%d descriptors for %d readers", n, spreadHolds)
		}
		files = append(files, f)
	}
	f, disk := open()
	if n := read(f, disk); n != 0 {
		t.Fatalf("%d descriptors beyond %d", n, mostOwn)
	}
	files = append(files, f)
	for _, f := range files {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := descriptors(t); n > before || d.own.Load() != 0 {
		t.Fatalf("%d descriptors, %d before; %d are counted", n, before, d.own.Load())
	}
	for range mostOwn / spreadHolds {
		read(open())
	}
	for deadline := time.Now().Add(patience); descriptors(t) > before || d.own.Load() != 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d descriptors, %d before; %d are counted", descriptors(t), before, d.own.Load())
		}
		runtime.GC()
	}
}
