package affinity

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// An Option of [Read] and [ReadLimits] says whose files to read.
type Option func(*tree) error

// WithRoot reads the proc and sys directories under dir, and the mounts that the files there speak of, instead of those of
// this machine. Symbolic links that lead out of dir are not followed.
func WithRoot(dir string) Option {
	return func(t *tree) error {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return fmt.Errorf("affinity: opening the root of the tree to read: %w", err)
		}
		t.fsys, t.close, t.live = root.FS(), root.Close, false
		return nil
	}
}

// WithFS is [WithRoot] for a file system.
func WithFS(fsys fs.FS) Option {
	return func(t *tree) error {
		t.fsys, t.live = fsys, false
		return nil
	}
}

const (
	maxFile   = 64 << 10 // bytes of a sysfs or procfs file; the longest that we want is a CPU list
	maxMounts = 16 << 20 // bytes of mountinfo, which is read line by line
	maxPath   = 4096     // bytes of a path; the kernel's PATH_MAX
	maxNotes  = 32
)

// A tree is a root directory and a record of what was odd in it. All names are relative to the root.
type tree struct {
	fsys  fs.FS
	close func() error
	live  bool // the tree is that of the running system
	notes []string
}

func openTree(opts []Option) (*tree, error) {
	t := &tree{fsys: liveFS(), close: func() error { return nil }, live: true}
	for _, o := range opts {
		if err := o(t); err != nil {
			t.fsys, t.live = nil, false
			return t, err
		}
	}
	return t, nil
}

func (t *tree) note(format string, args ...any) {
	if len(t.notes) < maxNotes {
		t.notes = append(t.notes, fmt.Sprintf(format, args...))
	}
}

// open opens a regular file. It does not open anything else: a named pipe would block.
func (t *tree) open(name string) (fs.File, error) {
	if t.fsys == nil {
		return nil, fs.ErrNotExist
	}
	info, err := fs.Stat(t.fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	return t.fsys.Open(name)
}

// read returns what a small file says, without trailing newlines and without the NULs that some kernels pad it with. A
// file that cannot be read is a missing one.
func (t *tree) read(name string) (string, bool) {
	f, err := t.open(name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			t.note("%s: %v", name, err)
		}
		return "", false
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		t.note("%s: %v", name, err)
		return "", false
	}
	if len(b) > maxFile {
		t.note("%s: longer than %d bytes", name, maxFile)
		return "", false
	}
	s, _, _ := strings.Cut(string(b), "\x00")
	return strings.TrimSpace(s), true
}

// lines calls f with each line of a file that may be long, until f returns false.
func (t *tree) lines(name string, f func(line string) bool) (ok bool) {
	file, err := t.open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	r := bufio.NewReaderSize(io.LimitReader(file, maxMounts), maxFile)
	for {
		b, err := r.ReadSlice('\n')
		line, long := string(bytes.TrimRight(b, "\r\n")), err == bufio.ErrBufferFull
		for err == bufio.ErrBufferFull {
			_, err = r.ReadSlice('\n')
		}
		switch {
		case long: // what others have mounted must not hide what comes behind
			t.note("%s: a line is longer than %d bytes", name, maxFile)
		case len(b) > 0 && !f(line):
			return true
		}
		if err != nil {
			if err != io.EOF {
				t.note("%s: %v", name, err)
			}
			return true
		}
	}
}

// list reads a CPU list. An empty file is an empty list.
func (t *tree) list(name string) (Set, bool) { return parsed(t, name, ParseList) }

// mask reads a CPU mask.
func (t *tree) mask(name string) (Set, bool) { return parsed(t, name, ParseMask) }

func parsed(t *tree, name string, parse func(string) (Set, error)) (Set, bool) {
	s, ok := t.read(name)
	if !ok || s == "" {
		return Set{}, ok
	}
	set, err := parse(s)
	if err != nil {
		t.note("%s: %v", name, err)
		return Set{}, false
	}
	return set, true
}

// names returns the entries of a directory, sorted.
func (t *tree) names(dir string) []string {
	if t.fsys == nil {
		return nil
	}
	entries, err := fs.ReadDir(t.fsys, dir)
	if err != nil {
		return nil
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// rooted turns an absolute path into a name in the tree.
func rooted(p string) string {
	p = strings.TrimPrefix(path.Clean("/"+p), "/")
	if p == "" {
		return "."
	}
	return p
}
