package netpoll

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A File is an open file, with the methods of [os.File] that matter and the same results and errors. A call that has to wait
// suspends the task that makes it, or blocks the goroutine if it is no task's. Get one from [Disk.Open], and close it.
//
// Calls may be made at the same time. Those that use the file's position take turns.
//
// A call cannot be cancelled, but by closing the scheduler. One through [File.With] can: it then has a buffer of its own, which
// costs copying, since the system may go on with the call for a while, whatever is done with the caller's buffer.
type File struct {
	backend
	name string
	ctx  context.Context
}

// A backend has the calls of an open file on one kind of system. off is -1 for the file's position. own says that the caller
// does not use the buffer again if the call fails, so that no other is needed.
type backend interface {
	read(ctx context.Context, own bool, b []byte, off int64) (int, error)
	write(ctx context.Context, b []byte, off int64) (int, error)
	seek(offset int64, whence int) (int64, error)
	sync(ctx context.Context) error
	close(ctx context.Context) error
	readDir(n int) ([]fs.DirEntry, error)
	// std calls fn, off the worker, with an os.File for the same file that is not to be kept.
	std(op string, fn func(*os.File) error) error
}

// With returns the same file for calls that end when ctx does, with ctx's error in a [*fs.PathError]: those that read, write or
// sync. Under a ctx that is done they begin nothing.
func (f *File) With(ctx context.Context) *File {
	g := *f
	g.ctx = ctx
	return &g
}

// Name returns the name that the file was opened by.
func (f *File) Name() string { return f.name }

// Read reads up to len(b) bytes at the file's position. At the end of the file it returns 0 and [io.EOF].
func (f *File) Read(b []byte) (int, error) {
	if f == nil {
		return 0, os.ErrInvalid
	}
	return f.read(f.ctx, false, b, -1)
}

// ReadAt reads len(b) bytes from an offset. If it reads less, the error says why; at the end of the file that is [io.EOF].
func (f *File) ReadAt(b []byte, off int64) (int, error) {
	if f == nil {
		return 0, os.ErrInvalid
	}
	if off < 0 {
		return 0, wrap("readat", f.name, errNegativeOffset)
	}
	return f.read(f.ctx, false, b, off)
}

// Write writes len(b) bytes at the file's position. If it writes less, the error says why.
func (f *File) Write(b []byte) (int, error) {
	if f == nil {
		return 0, os.ErrInvalid
	}
	return f.write(f.ctx, b, -1)
}

// WriteAt writes len(b) bytes from an offset on. If it writes less, the error says why. It fails for files that were opened
// with O_APPEND.
func (f *File) WriteAt(b []byte, off int64) (int, error) {
	if f == nil {
		return 0, os.ErrInvalid
	}
	if off < 0 {
		return 0, wrap("writeat", f.name, errNegativeOffset)
	}
	return f.write(f.ctx, b, off)
}

// WriteString is Write of a string.
func (f *File) WriteString(s string) (int, error) { return f.Write([]byte(s)) }

// Seek sets the file's position and returns it. It waits for calls that use the position.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	if f == nil {
		return 0, os.ErrInvalid
	}
	return f.seek(offset, whence)
}

// Sync waits until what has been written is on the disk.
func (f *File) Sync() error {
	if f == nil {
		return os.ErrInvalid
	}
	return f.sync(f.ctx)
}

// Close closes the file. Calls that are under way come to their end, later ones fail with [os.ErrClosed].
func (f *File) Close() error {
	if f == nil {
		return os.ErrInvalid
	}
	return f.close(f.ctx)
}

// Stat returns what the system knows about the file.
func (f *File) Stat() (info fs.FileInfo, err error) {
	if f == nil {
		return nil, os.ErrInvalid
	}
	err = f.std("stat", func(o *os.File) (err error) { info, err = o.Stat(); return err })
	return info, err
}

// Truncate changes the size of the file.
func (f *File) Truncate(size int64) error {
	if f == nil {
		return os.ErrInvalid
	}
	return f.std("truncate", func(o *os.File) error { return o.Truncate(size) })
}

// ReadDir reads a directory as [os.File.ReadDir] does: the next n entries, or with n <= 0 all that are left.
func (f *File) ReadDir(n int) (list []fs.DirEntry, err error) {
	if f == nil {
		return nil, os.ErrInvalid
	}
	return f.readDir(n)
}

// Create creates the file, or empties it if it exists, and opens it for reading and writing.
func (d *Disk) Create(ctx context.Context, name string) (*File, error) {
	return d.Open(ctx, name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// Open opens a file as [os.OpenFile] does. ctx ends the wait for that, and nothing later.
func (d *Disk) Open(ctx context.Context, name string, flag int, perm fs.FileMode) (*File, error) {
	b, err := d.open(ctx, name, flag, perm)
	if err != nil {
		return nil, wrap("open", name, err)
	}
	return &File{backend: b, name: name, ctx: context.Background()}, nil
}

// ReadFile returns what is in a file, as [os.ReadFile] does.
func (d *Disk) ReadFile(ctx context.Context, name string) ([]byte, error) {
	b, err := d.open(ctx, name, os.O_RDONLY, 0)
	if err != nil {
		return nil, wrap("open", name, err)
	}
	defer func() { _ = b.close(context.Background()) }()
	size := 512
	if s, ok := b.(interface{ size() int64 }); ok {
		if n := s.size(); n > 0 && n < 1<<30 {
			size = max(size, int(n)+1) // and one, to see the end in the same call
		}
	}
	data := make([]byte, 0, size)
	for {
		n, err := b.read(ctx, true, data[len(data):cap(data)], -1)
		data = data[:len(data)+n]
		switch {
		case err == io.EOF:
			return data, nil
		case err != nil:
			return data, err
		case len(data) == cap(data):
			data = append(data, 0)[:len(data)]
		}
	}
}

// WriteFile writes data to a file, which it creates or empties before, as [os.WriteFile] does.
func (d *Disk) WriteFile(ctx context.Context, name string, data []byte, perm fs.FileMode) error {
	f, err := d.Open(ctx, name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	_, err = f.With(ctx).Write(data)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// An offsetError has the text that package os gives.
type offsetError string

func (e offsetError) Error() string { return string(e) }

const errNegativeOffset offsetError = "negative offset"

// cancellable reports whether a wait under ctx can be cancelled while the scheduler is open.
func cancellable(ctx context.Context) bool {
	_, task := ctx.(*worker.Task) // asking it for Done would cost some allocations
	return task || ctx.Done() != nil
}

// A standardFile is a file of package os, whose calls are made by the crew.
type standardFile struct {
	crew *crew
	f    *os.File
}

// errMayWait says that something is to be left to the crew for what may wait: to open a pipe waits for somebody to open the other end,
// and to read it for somebody to write.
var errMayWait = errors.New("not a file or a directory")

func mayWait(info fs.FileInfo, err error) bool {
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// opening has something opened by the crew. What is opened when nobody waits for it any more is closed.
func opening[T any](ctx context.Context, c *crew, open func() (T, error), close func(T)) (v T, err error) {
	if !cancellable(ctx) {
		c.do(func() { v, err = open() })
		return v, err
	}
	type result struct {
		v     T
		err   error
		taken atom.Bool // by whoever waits, or by the crew if nobody does
	}
	r := &result{}
	cancelled := c.try(ctx, func() {
		v, err := open()
		r.v, r.err = v, err
		if r.taken.Swap(true) && err == nil {
			close(v)
		}
	})
	if cancelled == nil {
		return r.v, r.err
	}
	if r.taken.Swap(true) && r.err == nil {
		close(r.v)
	}
	return v, cancelled
}

// transfer has a call made with a buffer that it may keep if the wait is cancelled.
func (s *standardFile) transfer(ctx context.Context, op string, own bool, b []byte, back bool, call func(b []byte) (int, error)) (n int, err error) {
	loose := cancellable(ctx)
	buf := b
	if loose && !own {
		buf = make([]byte, len(b))
		if !back {
			copy(buf, b)
		}
	}
	type result struct {
		n   int
		err error
	}
	r := &result{} // its own, since the call may end when nobody waits any more
	fn := func() { r.n, r.err = call(buf) }
	if !loose {
		s.crew.do(fn)
	} else if err := s.crew.try(ctx, fn); err != nil {
		return 0, wrap(op, s.f.Name(), err)
	}
	if back && loose && !own {
		copy(b, buf[:r.n])
	}
	return r.n, r.err
}

func (s *standardFile) read(ctx context.Context, own bool, b []byte, off int64) (int, error) {
	return s.transfer(ctx, "read", own, b, true, func(b []byte) (int, error) {
		if off < 0 {
			return s.f.Read(b)
		}
		return s.f.ReadAt(b, off)
	})
}

func (s *standardFile) write(ctx context.Context, b []byte, off int64) (int, error) {
	return s.transfer(ctx, "write", false, b, false, func(b []byte) (int, error) {
		if off < 0 {
			return s.f.Write(b)
		}
		return s.f.WriteAt(b, off)
	})
}

// seek is left to the crew, too: systems have it wait for a call that uses the position.
func (s *standardFile) seek(offset int64, whence int) (at int64, err error) {
	err = s.std("seek", func(o *os.File) (err error) { at, err = o.Seek(offset, whence); return err })
	return at, err
}

func (s *standardFile) sync(ctx context.Context) error {
	if !cancellable(ctx) {
		return s.std("sync", (*os.File).Sync)
	}
	done := new(error) // its own, since the call may end when nobody waits any more
	if err := s.crew.try(ctx, func() { *done = s.f.Sync() }); err != nil {
		return wrap("sync", s.f.Name(), err)
	}
	return *done
}

// close is not left to the crew: it wakes calls that wait for a pipe.
func (s *standardFile) close(context.Context) error { return s.f.Close() }

func (s *standardFile) readDir(n int) (list []fs.DirEntry, err error) {
	err = s.std("readdir", func(o *os.File) (err error) { list, err = o.ReadDir(n); return err })
	return list, err
}

func (s *standardFile) std(_ string, fn func(*os.File) error) error {
	var err error
	s.crew.do(func() { err = fn(s.f) })
	return err
}
