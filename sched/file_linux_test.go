package sched

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A task that waits for a file is suspended: two tasks of one worker, which nobody stands in for, open the two ends of a pipe.
// Either waits until the other has come.
func TestATaskThatWaitsForAFileLeavesItsWorker(t *testing.T) {
	for _, way := range []Option{WithFiles(FilesAuto), WithFiles(FilesThreads)} {
		_, ctx := newScheduler(t, WithWorkers(1), withoutStandIns(), way)
		name := filepath.Join(t.TempDir(), "pipe")
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := onWorker(ctx, func(t *Task) (string, error) {
			writing := Go(ctx, func(t *Task) (int, error) { return write(t, name, "text") })
			f, err := Open(t, name)
			if err != nil {
				return "", err
			}
			defer func() { _ = f.Close() }()
			text, err := io.ReadAll(f)
			if err != nil {
				return "", err
			}
			_, err = writing.Await(t)
			return string(text), err
		})
		if got != "text" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func write(ctx context.Context, name, text string) (int, error) {
	f, err := OpenFile(ctx, name, os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	n, err := f.Write([]byte(text))
	if e := f.Close(); err == nil {
		err = e
	}
	return n, err
}
