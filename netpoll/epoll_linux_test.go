//go:build linux && !pinwheel_portable

package netpoll

import (
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// A probe is a sink that counts.
type probe struct {
	source
	p       *Poller
	events  chan uint32
	orphans atom.Uint32
}

func (s *probe) ready(events uint32) { s.events <- events }

func (s *probe) orphan() {
	if s.orphans.Add(1) == 1 {
		s.p.unregister(&s.source)
		_ = unix.Close(int(s.fd))
	}
}

func pipe(t testing.TB) (r, w int) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	return fds[0], fds[1]
}

func watched(t testing.TB, p *Poller, fd int) *probe {
	t.Helper()
	s := &probe{p: p, events: make(chan uint32, 100)}
	if err := p.register(&s.source, fd, s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReadinessComesOncePerEdge(t *testing.T) {
	p := newPoller(t)
	r, w := pipe(t)
	defer func() { _ = unix.Close(w) }()
	s := watched(t, p, r)
	for range 3 {
		if _, err := unix.Write(w, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if ev := <-s.events; ev&unix.EPOLLIN == 0 {
			t.Errorf("event %#x has no EPOLLIN", ev)
		}
	}
	// The bytes are still there, and nothing has changed.
	for range 10 {
		p.Poll()
	}
	if len(s.events) != 0 {
		t.Error("an event without an edge")
	}
}

func TestAWorkerThatPollsDelivers(t *testing.T) {
	p := newPoller(t)
	p.mu.Lock()
	p.launch()
	p.begin(func() {}) // without the thread, which would be faster at times
	p.mu.Unlock()
	defer p.run() // Close waits for it
	r, w := pipe(t)
	defer func() { _ = unix.Close(w) }()
	s := watched(t, p, r)
	for range 3 {
		if _, err := unix.Write(w, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if n := p.Poll(); n != 1 || len(s.events) != 1 {
			t.Fatalf("Poll has delivered %d events, of which %d have come", n, len(s.events))
		}
		<-s.events
		var b [16]byte
		_, _ = unix.Read(r, b[:])
	}
}

// The event of a registration that is gone is dropped, also when its number is used again.
func TestAStaleEventReachesNobody(t *testing.T) {
	p := newPoller(t)
	r, w := pipe(t)
	old := watched(t, p, r)
	p.unregister(&old.source)
	_ = unix.Close(w)
	other, w := pipe(t)
	defer func() { _ = unix.Close(w) }()
	if err := unix.Dup3(other, r, unix.O_CLOEXEC); err != nil { // the number is used again, and by nobody else in between
		t.Fatal(err)
	}
	_ = unix.Close(other)
	s := watched(t, p, r)
	stale := []unix.EpollEvent{{Events: unix.EPOLLIN, Fd: old.fd, Pad: int32(old.gen)}}
	if n, _ := p.deliver(stale); n != 0 || len(s.events) != 0 || len(old.events) != 0 {
		t.Errorf("a stale event was delivered: %d, to the new one %d, to the old one %d", n, len(s.events), len(old.events))
	}
	if n, _ := p.deliver([]unix.EpollEvent{{Events: unix.EPOLLIN, Fd: s.fd, Pad: int32(s.gen)}}); n != 1 {
		t.Error("an event of the new registration was not delivered")
	}
}

func TestGenerationsGoRoundWithoutZero(t *testing.T) {
	p := newPoller(t)
	p.generations.Store(^uint32(0) - 1)
	for _, want := range []uint32{^uint32(0), 1, 2} {
		if g := p.generation(); g != want {
			t.Errorf("generation %d, want %d", g, want)
		}
	}
}

func TestTheTableGrows(t *testing.T) {
	var tab table
	if tab.find(3, 1) != nil || tab.find(1<<20, 1) != nil {
		t.Error("an empty table finds something")
	}
	fds := []int{0, chunkSize - 1, chunkSize, 5 * chunkSize, 100_000}
	for i, fd := range fds {
		tab.grow(fd).Store(&source{fd: int32(fd), gen: uint32(i + 1)})
	}
	for i, fd := range fds {
		if s := tab.find(fd, uint32(i+1)); s == nil || int(s.fd) != fd {
			t.Errorf("descriptor %d is not found", fd)
		}
		if tab.find(fd, uint32(i+2)) != nil {
			t.Errorf("descriptor %d is found under another generation", fd)
		}
	}
}

func TestARefusedDescriptorIsAnError(t *testing.T) {
	p := newPoller(t)
	s := &probe{p: p}
	f, err := os.CreateTemp(t.TempDir(), "") // which epoll does not take
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := p.register(&s.source, int(f.Fd()), s); !errors.Is(err, unix.EPERM) {
		t.Errorf("registering a file gave %v, want EPERM", err)
	}
	if n := p.holds.Load(); n != 1 {
		t.Errorf("%d holds are left, want 1", n)
	}
}

// What the kernel does not take while the poller is being closed is closed and counted out once, by one of the two.
func TestARefusedDescriptorMeetsClosing(t *testing.T) {
	p := newPoller(t)
	f, err := os.CreateTemp(t.TempDir(), "") // which epoll does not take
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var over atom.Bool
	var closing sync.WaitGroup
	closing.Go(func() {
		for ; !over.Load(); runtime.Gosched() {
			p.table.each(func(s *source) { s.sink.orphan() }) // as shut does
		}
	})
	for range 20_000 {
		fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		var closed atom.Uint32
		d := &desc{then: func(int) { closed.Add(1) }}
		if err := d.open(p, fd, false); !errors.Is(err, unix.EPERM) {
			t.Fatalf("opening a file gave %v, want EPERM", err)
		}
		for closed.Load() == 0 {
			runtime.Gosched()
		}
		if n := closed.Load(); n != 1 {
			t.Fatalf("it has been closed %d times", n)
		}
	}
	over.Store(true)
	closing.Wait()
	if n := p.holds.Load(); n != 1 {
		t.Errorf("%d holds are left, want 1", n)
	}
}

func TestCloseOrphansWhatIsLeft(t *testing.T) {
	count := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	descriptors, goroutines := count(), runtime.NumGoroutine()
	for range 20 {
		p := newPoller(t)
		r, w := pipe(t)
		a, b := watched(t, p, r), watched(t, p, w)
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if a.orphans.Load() == 0 || b.orphans.Load() == 0 {
			t.Fatal("a registration has not been told")
		}
		if err := p.register(&a.source, 0, a); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("a closed poller registers: %v", err)
		}
	}
	if n := count(); n > descriptors {
		t.Errorf("%d descriptors, %d before", n, descriptors)
	}
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
		}
	}
}

func TestCoarseTimeouts(t *testing.T) {
	defer coarse.Store(coarse.Load())
	coarse.Store(true)
	p := newPoller(t)
	shard := p.Wheels().Shard(-1)
	for range 20 {
		<-shard.NewTimer(300 * time.Microsecond).C
	}
}

// poll finds nothing with this many descriptors registered: what a worker pays before it parks.
func BenchmarkPollInVain(b *testing.B) {
	p := newPoller(b)
	r, w := pipe(b)
	defer func() { _ = unix.Close(w) }()
	watched(b, p, r)
	for b.Loop() {
		p.Poll()
	}
}

// Close waits for those who are in the middle of polling, and wakes those who sleep at it.
func TestCloseMeetsThosePolling(t *testing.T) {
	t.Run("a worker that polls", func(t *testing.T) {
		p := newPoller(t)
		r, w := pipe(t)
		defer unix.Close(w)
		watched(t, p, r)
		p.turn.Store(1) // that worker's, who is about to make the system call
		closed := make(chan bool)
		go func() {
			_ = p.Close()
			close(closed)
		}()
		<-p.free
		for range 1000 {
			runtime.Gosched()
		}
		select {
		case <-closed:
			t.Error("the descriptors have been closed meanwhile")
		default:
		}
		p.turn.Store(0)
		<-closed
	})
	t.Run("a worker that sleeps", func(t *testing.T) {
		p := newPoller(t)
		r, w := pipe(t)
		defer unix.Close(w)
		s := watched(t, p, r)
		over := make(chan bool)
		go func() {
			var word atom.Uint32
			for {
				if watched, _ := p.Watch(&word, forEver); watched {
					break
				}
				_, _ = unix.Write(w, []byte{1}) // the thread delivers that, and leaves the watch to who has asked
				<-s.events
			}
			close(over)
		}()
		for p.watcher.Load() == nil {
			runtime.Gosched()
		}
		_ = p.Close()
		<-over
	})
}
