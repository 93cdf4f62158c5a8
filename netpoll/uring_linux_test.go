//go:build linux && !pinwheel_portable

package netpoll

import (
	"os"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// openCold opens a file whose calls take the slow ways.
func openCold(t *testing.T, d *Disk, name string, flag int) *File {
	t.Helper()
	f, err := d.Open(t.Context(), name, flag, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	cold(f)
	return f
}

// Requests that wait for a number, when the kernel takes none any more, are all sent elsewhere: no other completion may come.
func TestRequestsThatTheKernelDoesNotTakeAreMadeInAnotherWay(t *testing.T) {
	d := newDisk(t, URing)
	f := openCold(t, d, os.Args[0], os.O_RDONLY).backend.(*diskFile)
	r := d.ring()
	r.mu.Lock()
	free := r.free
	r.free = nil // all numbers are in use
	r.mu.Unlock()
	const n = 3
	results := make(chan error)
	for range n {
		go func() {
			_, err := r.do(background, f, opRead, false, make([]byte, 10), 0)
			results <- err
		}()
	}
	for waiting := 0; waiting < n; runtime.Gosched() {
		r.mu.Lock()
		waiting = len(r.queue)
		r.mu.Unlock()
	}
	last := &request{ring: r, file: f, held: f.hold()}
	last.waiter.Init(background)
	r.mu.Lock()
	fd := r.fd
	r.fd = -1 // which the kernel does not take
	r.table[free[0]] = last
	r.mu.Unlock()
	r.complete(free[0], 0)
	for range n {
		if err := <-results; err != errNoRing {
			t.Errorf("a request ended with %v, want %v", err, errNoRing)
		}
	}
	r.mu.Lock()
	r.fd, r.free = fd, free
	r.mu.Unlock()
}

// What completes while the queue of completions is full is not forgotten.
func TestCompletionsForWhichThereIsNoRoom(t *testing.T) {
	d := newDisk(t, URing)
	f := openCold(t, d, os.Args[0], os.O_RDONLY)
	r := d.ring()
	r.cqMu.Lock() // nobody takes any
	r.mu.Lock()
	for range ringCQEntries + 10 {
		r.revoke(&request{})
	}
	r.mu.Unlock()
	result := make(chan error)
	go func() {
		_, err := f.ReadAt(make([]byte, 10), 0)
		result <- err
	}()
	for r.underWay() == 0 {
		runtime.Gosched()
	}
	r.cqMu.Unlock()
	if err := <-result; err != nil {
		t.Error(err)
	}
}

// Closing a ring waits for the last completion, also while a poller is at it, who may take that completion himself.
func TestClosingARingWhileAPollerTakesItsCompletions(t *testing.T) {
	newDisk(t, URing) // skips the test where there is none, and says why; from here on none may be refused
	p := newPoller(t)
	for range 10_000 {
		r, err := newRing(p)
		if err != nil {
			t.Fatal(err)
		}
		fd, w := pipe(t)
		_ = unix.SetNonblock(fd, false)
		f := &diskFile{fd: fd}
		// A cancellation does not find this request, and it ends when something is written.
		q := &request{ring: r, file: f, held: f.hold(), buf: make([]byte, 1)}
		q.waiter.Init(background)
		r.mu.Lock()
		q.number = r.free[len(r.free)-1]
		r.free = r.free[:len(r.free)-1]
		r.table[q.number] = q
		r.enter(sqe{opcode: opRead, fd: int32(fd), off: ^uint64(0), addr: uint64(addressOf(q.buf)), len: 1, userData: uint64(q.number)})
		r.mu.Unlock()
		var writing sync.WaitGroup
		writing.Go(func() { _, _ = unix.Write(w, []byte{1}) })
		r.close()
		writing.Wait()
		_, _ = unix.Close(w), unix.Close(fd)
	}
}
