//go:build linux && !pinwheel_portable

package netpoll

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// A request that was interrupted is made again. One that the kernel could not fulfil without waiting is made in another way, since it
// might say that for ever.
func TestRequestsThatEndWithNothingDone(t *testing.T) {
	d := newDisk(t, URing)
	f := openCold(t, d, os.Args[0], os.O_RDONLY)
	want := make([]byte, 10)
	if _, err := f.ReadAt(want, 0); err != nil {
		t.Fatal(err)
	}
	r := d.ring()
	r.mu.Lock()
	free := r.free
	r.free = nil // all numbers are in use: requests queue up, and are answered here
	r.mu.Unlock()
	got := make([]byte, len(want))
	for name, call := range map[string]func() error{
		"ReadAt": func() error {
			_, err := f.ReadAt(got, 0)
			return err
		},
		"Sync": f.Sync,
	} {
		done := make(chan error, 1)
		go func() { done <- call() }()
		answers := []unix.Errno{unix.EINTR, unix.EINTR, unix.EAGAIN}
		for over := false; !over; runtime.Gosched() {
			r.mu.Lock()
			if len(r.queue) > 0 {
				answer := unix.EIO
				if len(answers) > 0 {
					answer, answers = answers[0], answers[1:]
				}
				r.queue[0].finish(-int32(answer))
				r.queue = r.queue[1:]
			}
			r.mu.Unlock()
			select {
			case err := <-done:
				over = true
				if err != nil || len(answers) > 0 {
					t.Errorf("%s returned %v, with %d answers left", name, err, len(answers))
				}
			default:
			}
		}
	}
	if string(got) != string(want) {
		t.Errorf("read %q, want %q", got, want)
	}
	r.mu.Lock()
	r.free = free
	r.mu.Unlock()
}
