//go:build linux && !pinwheel_portable

package netpoll

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/lock"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A diskFile is a regular file or a directory. (Pipes, terminals and the like are left to package os.)
type diskFile struct {
	disk    *Disk
	name    string
	fd      int
	flag    int
	bytes   int64 // its size when it was opened
	holders holders
	quick   [2]atom.Bool    // read and write: the kernel knows how not to block
	waits   atom.Bool       // O_NONBLOCK, with which it was opened, has been taken back
	turn    lock.Mutex      // of the calls that use the position
	cleanup runtime.Cleanup // closes the descriptor of a file that was forgotten

	// A duplicate, between calls that read a part of the directory: it has read more than they were given. Guarded by turn.
	dir *os.File
}

const (
	reading = 0
	writing = 1
)

// open opens a file: in line, if its path is in the kernel's cache of names, and by the crew otherwise.
//
// To open a pipe may block, on the path or not. Hence O_NONBLOCK, which regular files and directories do not care about except
// in io_uring (see blocking). What turns out to be neither is opened again in the ordinary way, a pipe for reading excepted, and stays open meanwhile, so that
// whoever has the other end of a pipe does not see it go away.
func (d *Disk) open(ctx context.Context, name string, flag int, perm fs.FileMode) (backend, error) {
	if d.config.Backend == URing {
		if err := d.refusal(); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	crew := &d.crew
	if flag&(os.O_CREATE|os.O_TRUNC|unix.O_TMPFILE|unix.O_NONBLOCK) == 0 && !noCachedOpen.Load() {
		how := unix.OpenHow{Flags: uint64(flag | unix.O_CLOEXEC | unix.O_LARGEFILE | unix.O_NONBLOCK), Resolve: resolveCached}
		fd, err := unix.Openat2(unix.AT_FDCWD, name, &how)
		switch err {
		case nil:
			f, err := d.adopt(fd, name, flag, false)
			if f != nil || err != nil {
				return f, err
			}
			if isPipe(fd) && flag&(os.O_WRONLY|os.O_RDWR) == 0 {
				return d.openPipe(ctx, fd, name)
			}
			defer func() { _ = unix.Close(fd) }()
		case unix.ENOENT, unix.EACCES, unix.ENOTDIR:
			return nil, err
		case unix.ENXIO: // a pipe that nobody reads
			crew = &d.pipes
		case unix.ENOSYS, unix.EPERM, unix.E2BIG:
			noCachedOpen.Store(true)
		}
	}
	fd, err := d.openBy(ctx, crew, name, flag, perm)
	if err == errMayWait {
		fd, err = d.openBy(ctx, &d.pipes, name, flag, perm)
	}
	if err != nil {
		return nil, err
	}
	f, err := d.adopt(fd, name, flag, true)
	if f != nil || err != nil {
		return f, err
	}
	_ = unix.SetNonblock(fd, true) // so that package os lets its poller wait
	return &standardFile{&d.pipes, os.NewFile(uintptr(fd), name)}, nil
}

// openBy has a file opened by a crew. That for files refuses what may wait.
func (d *Disk) openBy(ctx context.Context, c *crew, name string, flag int, perm fs.FileMode) (fd int, err error) {
	return opening(ctx, c, func() (int, error) {
		if c == &d.crew && mayWait(os.Stat(name)) {
			return -1, errMayWait
		}
		for {
			fd, err := unix.Open(name, flag|unix.O_CLOEXEC|unix.O_LARGEFILE, modeBits(perm))
			if err != unix.EINTR {
				return fd, err
			}
		}
	}, func(fd int) { _ = unix.Close(fd) })
}

func isPipe(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
}

// openPipe goes on with a pipe that has been opened for reading without waiting for a writer. It must not be opened a second time:
// a writer may have come because of the first, and be gone.
func (d *Disk) openPipe(ctx context.Context, fd int, name string) (backend, error) {
	fd, err := opening(ctx, &d.pipes, func() (int, error) {
		for {
			// A pipe that has had no writer yet is neither readable nor hung up.
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1); err != unix.EINTR {
				return fd, err
			}
		}
	}, func(fd int) { _ = unix.Close(fd) })
	if err != nil {
		return nil, err
	}
	return &standardFile{&d.pipes, os.NewFile(uintptr(fd), name)}, nil
}

// noCachedOpen says that the kernel has no openat2, or a filter refuses it.
var noCachedOpen atom.Bool

const resolveCached = 0x20 // golang.org/x/sys/unix has no name for it

// modeBits turns permissions into the system's.
func modeBits(perm fs.FileMode) (bits uint32) {
	bits = uint32(perm.Perm())
	if perm&fs.ModeSetuid != 0 {
		bits |= unix.S_ISUID
	}
	if perm&fs.ModeSetgid != 0 {
		bits |= unix.S_ISGID
	}
	if perm&fs.ModeSticky != 0 {
		bits |= unix.S_ISVTX
	}
	return bits
}

// adopt makes a file of a descriptor. It returns neither a file nor an error if the descriptor is something else's.
func (d *Disk) adopt(fd int, name string, flag int, waits bool) (backend, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFREG && kind != unix.S_IFDIR {
		return nil, nil
	}
	f := &diskFile{disk: d, name: name, fd: fd, flag: flag, bytes: st.Size}
	f.waits.Store(waits)
	// O_DIRECT goes to the device, and the kernel then waits for that, whatever it was told. So it does with O_SYNC.
	f.quick[reading].Store(flag&unix.O_DIRECT == 0)
	f.quick[writing].Store(flag&(unix.O_DIRECT|unix.O_SYNC|unix.O_DSYNC) == 0)
	f.cleanup = runtime.AddCleanup(f, func(fd int) { _ = unix.Close(fd) }, fd)
	return f, nil
}

func (f *diskFile) size() int64 { return f.bytes }

// hold keeps the descriptor from being closed. It returns nil if the file is closed.
func (f *diskFile) hold() *hold { return f.holders.take(worker.Spot()) }

// release ends hold. Whoever is last after the file was closed closes the descriptor.
func (f *diskFile) release(c *hold) {
	if f.holders.letGo(c) {
		go func() { // it may take long, and the caller may be a poller
			_ = f.closeAll()
		}()
	}
}

func (f *diskFile) close(context.Context) error {
	ok, last := f.holders.close()
	if !ok {
		return wrap("close", f.name, os.ErrClosed)
	}
	f.cleanup.Stop()
	if !last { // a call is under way
		return nil
	}
	return wrap("close", f.name, f.closeAll())
}

// mostBytes is how much one system call moves.
const mostBytes = 1 << 30

func (f *diskFile) read(ctx context.Context, own bool, b []byte, off int64) (n int, err error) {
	if off < 0 {
		if err := f.turn.Lock(ctx); err != nil {
			return 0, wrap("read", f.name, err)
		}
		defer f.turn.Unlock()
	}
	for n < len(b) {
		m, full, err := f.transfer(ctx, reading, own, b[n:min(len(b), n+mostBytes)], at(off, n))
		n += m
		if err != nil {
			return n, wrap("read", f.name, err)
		}
		if full && off < 0 && n > 0 {
			return n, nil // as much as one system call gives
		}
		if m == 0 {
			if off < 0 && n > 0 && !own {
				return n, nil
			}
			return n, io.EOF
		}
	}
	if len(b) == 0 && !f.open() {
		return 0, wrap("read", f.name, os.ErrClosed)
	}
	return n, nil
}

func (f *diskFile) write(ctx context.Context, b []byte, off int64) (n int, err error) {
	if off >= 0 && f.flag&os.O_APPEND != 0 {
		return 0, errWriteAtInAppendMode
	}
	if off < 0 {
		if err := f.turn.Lock(ctx); err != nil {
			return 0, wrap("write", f.name, err)
		}
		defer f.turn.Unlock()
	}
	if len(b) == 0 && !f.open() {
		return 0, wrap("write", f.name, os.ErrClosed)
	}
	if len(b) == 0 && off < 0 && f.flag&(os.O_WRONLY|os.O_RDWR) == 0 {
		return 0, wrap("write", f.name, unix.EBADF) // which the system says also of nothing
	}
	for n < len(b) {
		m, _, err := f.transfer(ctx, writing, false, b[n:min(len(b), n+mostBytes)], at(off, n))
		n += m
		if err != nil {
			return n, wrap("write", f.name, err)
		}
		if m == 0 {
			return n, wrap("write", f.name, io.ErrUnexpectedEOF)
		}
	}
	return n, nil
}

func at(off int64, n int) int64 {
	if off < 0 {
		return -1
	}
	return off + int64(n)
}

var errWriteAtInAppendMode = errors.New("os: invalid use of WriteAt on file opened with O_APPEND")

func (f *diskFile) open() bool { return !f.holders.closed.Load() }

// transfer moves bytes by one system call, in line or in the ways that wait. full says that it was one that gives all there is: a
// call in line gives what is in memory.
func (f *diskFile) transfer(ctx context.Context, way int, own bool, b []byte, off int64) (n int, full bool, err error) {
	if err := ctx.Err(); err != nil {
		return 0, true, err
	}
	c := f.hold()
	if c == nil {
		return 0, true, os.ErrClosed
	}
	defer f.release(c)
	for f.quick[way].Load() {
		n, err := quickTransfer(way, f.inlineFD(c, way, off), b, off)
		switch err {
		case nil:
			return n, n == len(b), nil
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return f.slow(ctx, way, own, b, off)
		case unix.EOPNOTSUPP, unix.ENOSYS, unix.EPERM, unix.EINVAL: // the file system, the kernel, a filter; or something else is wrong
			f.quick[way].Store(false)
			return f.slow(ctx, way, own, b, off)
		}
		return 0, true, err
	}
	return f.slow(ctx, way, own, b, off)
}

// slow moves bytes in the ways that wait. It copies if ctx can end the wait while the kernel still uses the buffer.
func (f *diskFile) slow(ctx context.Context, way int, own bool, b []byte, off int64) (n int, full bool, err error) {
	loose := cancellable(ctx)
	buf := b
	if loose && !own {
		buf = aligned(len(b))
		if way == writing {
			copy(buf, b)
		}
	}
	n, err = f.disk.transfer(ctx, f, way, loose, buf, off)
	if n > 0 && way == reading && loose && !own {
		copy(b, buf[:n])
	}
	return n, true, err
}

// aligned returns a buffer that will do for O_DIRECT.
func aligned(n int) []byte {
	const page = 4096
	b := make([]byte, n+page)
	skip := -int(addressOf(b)) & (page - 1)
	return b[skip : skip+n : skip+n]
}

func (f *diskFile) seek(offset int64, whence int) (int64, error) {
	c := f.hold()
	if c == nil {
		return 0, wrap("seek", f.name, os.ErrClosed)
	}
	defer f.release(c)
	if err := f.turn.Lock(context.Background()); err != nil {
		return 0, wrap("seek", f.name, err)
	}
	defer f.turn.Unlock()
	f.closeDir()
	at, err := unix.Seek(f.fd, offset, whence)
	if err != nil {
		return 0, wrap("seek", f.name, err)
	}
	return at, nil
}

func (f *diskFile) sync(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return wrap("sync", f.name, err)
	}
	c := f.hold()
	if c == nil {
		return wrap("sync", f.name, os.ErrClosed)
	}
	defer f.release(c)
	return wrap("sync", f.name, f.disk.sync(ctx, f))
}

// std works on a duplicate, which has the position and everything else in common with the file.
func (f *diskFile) std(op string, fn func(*os.File) error) error {
	c := f.hold()
	if c == nil {
		return wrap(op, f.name, os.ErrClosed)
	}
	defer f.release(c)
	var err error
	f.disk.crew.do(func() {
		var o *os.File
		if o, err = f.duplicate(op); err == nil {
			err = fn(o)
			_ = o.Close()
		}
	})
	return err
}

func (f *diskFile) duplicate(op string) (*os.File, error) {
	fd, err := unix.FcntlInt(uintptr(f.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, wrap(op, f.name, err)
	}
	return os.NewFile(uintptr(fd), f.name), nil
}

func (f *diskFile) readDir(n int) (list []fs.DirEntry, err error) {
	c := f.hold()
	if c == nil {
		return nil, wrap("readdir", f.name, os.ErrClosed)
	}
	defer f.release(c)
	if err := f.turn.Lock(context.Background()); err != nil {
		return nil, wrap("readdir", f.name, err)
	}
	defer f.turn.Unlock()
	f.disk.crew.do(func() {
		if f.dir == nil {
			if f.dir, err = f.duplicate("readdir"); err != nil {
				return
			}
		}
		if list, err = f.dir.ReadDir(n); err != nil || n <= 0 {
			f.closeDir()
		}
	})
	return list, err
}

// closeDir forgets what has been read of the directory beyond what calls were given.
func (f *diskFile) closeDir() {
	if f.dir != nil {
		_ = f.dir.Close()
		f.dir = nil
	}
}

// blocking takes O_NONBLOCK back. io_uring would not wait for a file that has it.
func (f *diskFile) blocking() {
	if !f.waits.Load() {
		_ = unix.SetNonblock(f.fd, false)
		f.waits.Store(true)
	}
}
