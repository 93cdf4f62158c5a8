package sched

import (
	"context"
	"io/fs"
	"os"

	"github.com/pinwheel-sched/pinwheel/netpoll"
)

// A File is an open file whose calls suspend the task that makes them, or block the goroutine if that is not a task's. Its
// methods are those of [os.File] that matter, and With for calls that end with a context: see [netpoll.File].
type File = netpoll.File

// How files are read when what is wanted is not in memory, for [WithFiles].
const (
	FilesAuto    = netpoll.Auto    // by io_uring, and on goroutines where the system refuses that
	FilesURing   = netpoll.URing   // by io_uring; opening a file fails where there is none
	FilesThreads = netpoll.Threads // by system calls on goroutines
)

// Open opens a file for reading, as [os.Open] does. ctx says which scheduler's file it is, and ends the wait for opening it; the
// file's own calls go on until they are done, unless they are made through [netpoll.File.With].
//
// Files are not closed with the scheduler. After that, their calls block the goroutine.
//
// What is in the kernel's caches is read in line, at the cost of the system call. What is not costs some microseconds of
// computing, and the wait.
func Open(ctx context.Context, name string) (*File, error) {
	return OpenFile(ctx, name, os.O_RDONLY, 0)
}

// Create creates a file, or empties it if it exists, and opens it for reading and writing, as [os.Create] does.
func Create(ctx context.Context, name string) (*File, error) {
	return OpenFile(ctx, name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// OpenFile opens a file as [os.OpenFile] does.
func OpenFile(ctx context.Context, name string, flag int, perm fs.FileMode) (*File, error) {
	d, err := diskOf(ctx)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return d.Open(ctx, name, flag, perm)
}

// ReadFile returns what is in a file, as [os.ReadFile] does. If ctx is done first, it returns ctx's error in a [*fs.PathError].
func ReadFile(ctx context.Context, name string) ([]byte, error) {
	d, err := diskOf(ctx)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return d.ReadFile(ctx, name)
}

// WriteFile writes data to a file, which it creates or empties before, as [os.WriteFile] does.
func WriteFile(ctx context.Context, name string, data []byte, perm fs.FileMode) error {
	d, err := diskOf(ctx)
	if err != nil {
		return &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return d.WriteFile(ctx, name, data, perm)
}

// diskOf returns the disk of the scheduler that ctx names. While the scheduler is being shut down, it is for tasks alone.
func diskOf(ctx context.Context) (*netpoll.Disk, error) {
	t, pool := where(ctx)
	if t == nil && pool.Closed() {
		return nil, ErrClosed
	}
	e, err := eventsOf(pool)
	if err != nil {
		return nil, err
	}
	return e.disk, nil
}
