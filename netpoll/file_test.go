package netpoll

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// everyDisk runs a test with each way to read files, from goroutines.
func everyDisk(t *testing.T, f func(t *testing.T, d *Disk)) {
	for b := range Threads + 1 {
		t.Run(b.String(), func(t *testing.T) { f(t, newDisk(t, b)) })
	}
}

func newDisk(t testing.TB, b Backend) *Disk {
	t.Helper()
	p, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	d := NewDisk(DiskConfig{Poller: p, Workers: 1, Backend: b})
	t.Cleanup(func() {
		d.Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := d.Open(t.Context(), t.TempDir(), os.O_RDONLY, 0); b == URing && err != nil {
		t.Skip(err)
	}
	return d
}

// cold makes calls take the slow ways, which a file in memory does not need.
func cold(f *File) {
	if c, ok := f.backend.(interface{ forgetCache() }); ok {
		c.forgetCache()
	}
}

// A script does things to a file and says what came of each. What it says must not depend on whose file it is.
type scripted interface {
	io.ReadWriteSeeker
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error
	Truncate(int64) error
	Stat() (fs.FileInfo, error)
	ReadDir(int) ([]fs.DirEntry, error)
}

func script(f scripted, seed uint64) (log []string) {
	r := rand.New(rand.NewPCG(seed, 1))
	say := func(what string, args ...any) {
		for i, a := range args {
			if err, ok := a.(error); ok {
				args[i] = describe(err)
			}
		}
		log = append(log, what+fmt.Sprint(args...))
	}
	for range 60 {
		b := make([]byte, r.IntN(3000))
		off := int64(r.IntN(9000) - 100)
		switch r.IntN(8) {
		case 0, 1:
			n, err := f.Read(b)
			say("read", n, err, b[:n])
		case 2, 3:
			n, err := f.ReadAt(b, off)
			say("readat", n, err, b[:n])
		case 4:
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			n, err := f.Write(b)
			say("write", n, err)
		case 5:
			n, err := f.WriteAt(b, off)
			say("writeat", n, err)
		case 6:
			n, err := f.Seek(off, r.IntN(4))
			say("seek", n, err)
		case 7:
			say("sync", f.Sync())
			say("truncate", f.Truncate(off))
			info, err := f.Stat()
			say("stat", err)
			if err == nil && !info.IsDir() {
				say(info.Name(), info.Size(), info.Mode(), info.IsDir())
			}
			list, err := f.ReadDir(-1)
			say("readdir", len(list), err)
		}
	}
	n, err := f.Write(nil)
	say("write of nothing", n, err)
	say("close", f.Close())
	b := make([]byte, 3)
	n, err = f.Read(b)
	say("read", n, err)
	n, err = f.ReadAt(b, 0)
	say("readat", n, err)
	n, err = f.Write(b)
	say("write", n, err)
	n, err = f.WriteAt(b, 0)
	say("writeat", n, err)
	_, err = f.Seek(0, 0)
	say("seek", err)
	say("sync", f.Sync())
	say("truncate", f.Truncate(1))
	say("close", f.Close())
	return log
}

// describe says all of an error that a program may look at.
func describe(err error) string {
	var p *fs.PathError
	op := ""
	if errors.As(err, &p) {
		op = p.Op + " " + filepath.Base(p.Path)
	}
	is := []bool{errors.Is(err, fs.ErrClosed), errors.Is(err, fs.ErrInvalid), errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), err == io.EOF}
	return fmt.Sprintf("<%s|%s|%v>", op, filepath.Base(err.Error()), is)
}

func TestFilesDoWhatThoseOfPackageOSDo(t *testing.T) {
	everyDisk(t, func(t *testing.T, d *Disk) {
		for i, flag := range []int{
			os.O_RDWR | os.O_CREATE, os.O_RDONLY, os.O_WRONLY, os.O_RDWR | os.O_APPEND, os.O_RDWR | os.O_TRUNC, os.O_RDWR | os.O_SYNC,
			os.O_RDWR | os.O_CREATE | os.O_EXCL,
		} {
			for _, mode := range []string{"in line", "cold", "cancellable"} {
				ours, theirs := filepath.Join(t.TempDir(), "file"), filepath.Join(t.TempDir(), "file")
				content := bytes.Repeat([]byte("0123456789abcdef"), 400)
				if flag&os.O_EXCL == 0 {
					for _, name := range []string{ours, theirs} {
						if err := os.WriteFile(name, content, 0o640); err != nil {
							t.Fatal(err)
						}
					}
				}
				f, err := d.Open(t.Context(), ours, flag, 0o600)
				o, oerr := os.OpenFile(theirs, flag, 0o600)
				if err != nil || oerr != nil {
					t.Fatal(err, oerr)
				}
				switch mode {
				case "cold":
					cold(f)
				case "cancellable":
					cold(f)
					f = f.With(t.Context())
				}
				got, want := script(f, uint64(i)), script(o, uint64(i))
				for k := range want {
					if got[k] != want[k] {
						t.Fatalf("flags %#x, %s, step %d:\nours %.300s\nos's %.300s", flag, mode, k, got[k], want[k])
					}
				}
				a, err := d.ReadFile(t.Context(), ours)
				b, oerr := os.ReadFile(theirs)
				if !bytes.Equal(a, b) || err != nil || oerr != nil {
					t.Errorf("flags %#x, %s: the files differ in the end: %d and %d bytes, %v, %v", flag, mode, len(a), len(b), err, oerr)
				}
			}
		}
	})
}

func TestOpeningFailsAsInPackageOS(t *testing.T) {
	everyDisk(t, func(t *testing.T, d *Disk) {
		dir := t.TempDir()
		file := filepath.Join(dir, "file")
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"", "nul\x00", filepath.Join(dir, "no"), filepath.Join(file, "below"), filepath.Join(dir, "no", "no"), dir, string(make([]byte, 5000))} {
			for _, flag := range []int{os.O_RDONLY, os.O_RDWR, os.O_WRONLY | os.O_CREATE | os.O_EXCL} {
				f, err := d.Open(t.Context(), name, flag, 0o600)
				if err == nil {
					_ = f.Close()
				}
				if err == nil && flag&os.O_CREATE != 0 {
					_ = os.Remove(name)
				}
				o, oerr := os.OpenFile(name, flag, 0o600)
				if oerr == nil {
					_ = o.Close()
				}
				if oerr == nil && flag&os.O_CREATE != 0 {
					_ = os.Remove(name)
				}
				if oerr == nil && err == nil {
					continue
				}
				if err == nil || oerr == nil || describe(err) != describe(oerr) {
					t.Errorf("%.20q, %#x: %v, in package os %v", name, flag, err, oerr)
				}
			}
			_, err := d.ReadFile(t.Context(), name)
			if _, oerr := os.ReadFile(name); oerr != nil && (err == nil || describe(err) != describe(oerr)) {
				t.Errorf("ReadFile(%.20q): %v, in package os %v", name, err, oerr)
			}
		}
		done, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := d.Open(done, file, os.O_RDONLY, 0); !errors.Is(err, context.Canceled) {
			t.Errorf("opening under a context that is done: %v", err)
		}
		var none *File
		if _, err := none.Read(nil); err != os.ErrInvalid || none.Close() != os.ErrInvalid {
			t.Errorf("a nil file: %v", err)
		}
	})
}

// Many at a time, more than a ring takes, each from its own place, some cancelled.
func TestReadsAtTheSameTime(t *testing.T) {
	everyDisk(t, func(t *testing.T, d *Disk) {
		const pages, readers = 64, 700
		name := filepath.Join(t.TempDir(), "file")
		content := make([]byte, pages*4096)
		for i := range content {
			content[i] = byte(i / 4096 * 7)
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := d.Open(t.Context(), name, os.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		cold(f)
		var all sync.WaitGroup
		for i := range readers {
			all.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				g := f
				if i%3 != 0 {
					g = f.With(ctx)
				}
				if i%3 == 2 {
					go cancel()
				}
				page := i % pages
				b := make([]byte, 4096)
				n, err := g.ReadAt(b, int64(page)*4096)
				if i%3 == 2 && errors.Is(err, context.Canceled) {
					for _, c := range b {
						if c != 0 && c != byte(page*7) {
							t.Error("the buffer of a cancelled read was written to")
						}
					}
					return
				}
				if n != len(b) || err != nil || b[0] != byte(page*7) || b[4095] != byte(page*7) {
					t.Errorf("page %d: %d, %v, %d", page, n, err, b[0])
				}
			})
		}
		all.Wait()
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Files are closed while they are read; either the read has its bytes, or it says that the file is closed.
func TestClosingAgainstReading(t *testing.T) {
	everyDisk(t, func(t *testing.T, d *Disk) {
		name := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(name, []byte("what there is"), 0o600); err != nil {
			t.Fatal(err)
		}
		for round := range 50 {
			f, err := d.Open(t.Context(), name, os.O_RDONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if round%2 == 0 {
				cold(f)
			}
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					b := make([]byte, 13)
					n, err := f.ReadAt(b, 0)
					if err == nil && string(b) != "what there is" || err != nil && (!errors.Is(err, os.ErrClosed) || n != 0) {
						t.Errorf("%d bytes, %q, %v", n, b, err)
					}
				})
			}
			all.Go(func() {
				if err := f.Close(); err != nil {
					t.Error(err)
				}
			})
			all.Wait()
		}
	})
}

func TestAFileThatWasForgottenIsClosed(t *testing.T) {
	before := descriptors(t)
	d := newDisk(t, Threads)
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := d.Open(t.Context(), name, os.O_RDONLY, 0); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(patience); descriptors(t) > before+10; {
		if time.Now().After(deadline) {
			t.Fatalf("%d descriptors, %d before", descriptors(t), before)
		}
		runtime.GC()
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(list)
}

// A closed disk leaves nothing behind, and its files still work.
func TestClosingTheDisk(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	rounds := func(n int) {
		for i := range n {
			p, err := New(Config{})
			if err != nil {
				t.Fatal(err)
			}
			d := NewDisk(DiskConfig{Poller: p, Workers: 2})
			f, err := d.Open(t.Context(), name, os.O_RDONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			cold(f)
			var all sync.WaitGroup
			for range i % 3 {
				all.Go(func() {
					b := make([]byte, 3)
					if n, err := f.ReadAt(b, 0); n != 3 && !errors.Is(err, worker.ErrClosed) {
						t.Errorf("%d, %v", n, err)
					}
				})
			}
			b := make([]byte, 3)
			if _, err := f.ReadAt(b, 0); err != nil || string(b) != "abc" {
				t.Errorf("%q, %v", b, err)
			}
			d.Close()
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			all.Wait()
			if _, err := f.ReadAt(b, 0); err != nil || string(b) != "abc" {
				t.Errorf("after closing: %q, %v", b, err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	rounds(3)
	goroutines, fds := runtime.NumGoroutine(), descriptors(t)
	rounds(20)
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > goroutines || descriptors(t) > fds; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("goroutines %d, %d before; descriptors %d, %d before", runtime.NumGoroutine(), goroutines, descriptors(t), fds)
		}
	}
}

// A calling is a task that calls a function.
type calling struct {
	worker.Root
	run  func()
	over *sync.WaitGroup
}

func (c *calling) Run(*worker.Task)               { c.run() }
func (c *calling) Done(*worker.PanicError, error) { c.over.Done() }
