//go:build linux

package netpoll

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// Tasks that wait for pipes must not keep those who write to them from opening them.
func TestManyPipesWaitAndFilesGoOn(t *testing.T) {
	p, pool := newLoop(t, 2)
	d := NewDisk(DiskConfig{Poller: p, Workers: 2, Backend: Threads})
	defer d.Close()
	dir := t.TempDir()
	const n = 70 // more than the crew has
	name := func(i int) string { return filepath.Join(dir, fmt.Sprint(i)) }
	var opened, over sync.WaitGroup
	opened.Add(n)
	over.Add(n)
	for i := range n {
		if err := unix.Mkfifo(name(i), 0o600); err != nil {
			t.Fatal(err)
		}
		keep, err := os.OpenFile(name(i), os.O_RDWR, 0) // so that half of the readers get as far as reading
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			defer keep.Close()
		} else {
			_ = keep.Close()
		}
		r := &fifoReader{d: d, name: name(i), opened: &opened, over: &over, t: t}
		r.Init(background, r)
		if err := pool.Submit(&r.Root); err != nil {
			t.Fatal(err)
		}
	}
	opened.Wait()
	w := &fifoWriter{d: d, t: t, names: func(f func(string)) {
		for i := range n {
			f(name(i))
		}
	}}
	over.Add(1)
	w.over = &over
	w.Init(background, w)
	if err := pool.Submit(&w.Root); err != nil {
		t.Fatal(err)
	}
	over.Wait()
}

// Nor must those that wait for a reader keep others from creating files.
func TestManyPipesWithoutReadersAndFilesGoOn(t *testing.T) {
	p, pool := newLoop(t, 2)
	d := NewDisk(DiskConfig{Poller: p, Workers: 2, Backend: Threads})
	defer d.Close()
	dir := t.TempDir()
	const n = 70 // more than the crew has
	name := func(i int) string { return filepath.Join(dir, fmt.Sprint(i)) }
	var begun, over sync.WaitGroup
	write := func(name string) {
		r := &calling{over: &over, run: func() {
			begun.Done()
			if err := d.WriteFile(background, name, []byte("x"), 0o600); err != nil {
				t.Error(err)
			}
		}}
		begun.Add(1)
		over.Add(1)
		r.Init(background, r)
		if err := pool.Submit(&r.Root); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		if err := unix.Mkfifo(name(i), 0o600); err != nil {
			t.Fatal(err)
		}
		write(name(i))
	}
	begun.Wait()
	write(name(n))
	for ; ; runtime.Gosched() { // until there is the file
		if data, err := os.ReadFile(name(n)); string(data) == "x" {
			break
		} else if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	for i := range n {
		if data, err := os.ReadFile(name(i)); string(data) != "x" || err != nil {
			t.Errorf("%s: read %q, %v", name(i), data, err)
		}
	}
	over.Wait()
}

type fifoReader struct {
	worker.Root
	d            *Disk
	name         string
	opened, over *sync.WaitGroup
	t            *testing.T
}

func (r *fifoReader) Done(*worker.PanicError, error) { r.over.Done() }

func (r *fifoReader) Run(*worker.Task) {
	r.opened.Done()
	f, err := r.d.Open(background, r.name, os.O_RDONLY, 0)
	if err != nil {
		r.t.Error(err)
		return
	}
	defer f.Close()
	b := make([]byte, 10)
	if n, err := f.Read(b); string(b[:n]) != "x" || err != nil {
		r.t.Errorf("%s: read %q, %v", r.name, b[:n], err)
	}
}

type fifoWriter struct {
	worker.Root
	d     *Disk
	names func(func(string))
	over  *sync.WaitGroup
	t     *testing.T
}

func (w *fifoWriter) Done(*worker.PanicError, error) { w.over.Done() }

func (w *fifoWriter) Run(*worker.Task) {
	w.names(func(name string) {
		f, err := w.d.Open(background, name, os.O_WRONLY, 0)
		if err != nil {
			w.t.Error(err)
			return
		}
		if _, err := f.Write([]byte("x")); err != nil {
			w.t.Error(err)
		}
		if err := f.Close(); err != nil {
			w.t.Error(err)
		}
	})
}
