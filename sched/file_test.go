package sched

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/pinwheel-sched/pinwheel/netpoll"
)

func everyWayToFiles(t *testing.T, f func(t *testing.T, ctx context.Context)) {
	for _, b := range []netpoll.Backend{FilesAuto, FilesThreads} {
		for _, workers := range []int{1, 2} {
			t.Run(fmt.Sprintf("%v/workers=%d", b, workers), func(t *testing.T) {
				_, ctx := newScheduler(t, WithWorkers(workers), WithFiles(b))
				f(t, ctx)
			})
		}
	}
}

// Tasks write files, read them back, and make way for others meanwhile.
func TestTasksReadAndWriteFiles(t *testing.T) {
	everyWayToFiles(t, func(t *testing.T, ctx context.Context) {
		dir := t.TempDir()
		g := NewGroup(ctx)
		for i := range 50 {
			g.Go(func(t *Task) error {
				name := filepath.Join(dir, fmt.Sprint(i))
				want := bytes.Repeat([]byte{byte(i)}, 100*i)
				if err := WriteFile(t, name, want, 0o600); err != nil {
					return err
				}
				f, err := OpenFile(t, name, os.O_RDWR, 0)
				if err != nil {
					return err
				}
				defer func() { _ = f.Close() }()
				if err := f.With(t).Sync(); err != nil {
					return err
				}
				got, err := io.ReadAll(f.With(t))
				if err == nil && !bytes.Equal(got, want) {
					err = fmt.Errorf("%s has %d bytes, not %d", name, len(got), len(want))
				}
				if err != nil {
					return err
				}
				if got, err = ReadFile(t, name); err != nil || !bytes.Equal(got, want) {
					return fmt.Errorf("ReadFile: %d bytes, %w", len(got), err)
				}
				c, err := Create(t, name)
				if err != nil {
					return err
				}
				if n, err := c.WriteAt([]byte("end"), 10); n != 3 || err != nil {
					return fmt.Errorf("WriteAt: %d, %w", n, err)
				}
				if info, err := c.Stat(); err != nil || info.Size() != 13 {
					return fmt.Errorf("Stat: %w", err)
				}
				return c.Close()
			})
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestFilesOfAClosedScheduler(t *testing.T) {
	s, ctx := newScheduler(t)
	name := filepath.Join(t.TempDir(), "file")
	if err := WriteFile(ctx, name, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	b := make([]byte, 3)
	if n, err := f.ReadAt(b, 0); n != 3 || err != nil {
		t.Errorf("reading: %d, %v", n, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Open(ctx, name); !errors.Is(err, ErrClosed) {
		t.Errorf("Open: %v", err)
	}
	if _, err := ReadFile(ctx, name); !errors.Is(err, ErrClosed) {
		t.Errorf("ReadFile: %v", err)
	}
	if err := WriteFile(ctx, name, nil, 0); !errors.Is(err, ErrClosed) {
		t.Errorf("WriteFile: %v", err)
	}
}
