package netpoll

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"strconv"
	"sync"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Backend says how files are read when the data is not in memory.
type Backend uint8

const (
	Auto    Backend = iota // URing, or Threads where the system refuses that
	URing                  // io_uring, or an error
	Threads                // system calls on goroutines
)

var backends = [...]string{Auto: "auto", URing: "uring", Threads: "threads"}

// String returns "auto", "uring" or "threads", which [ParseBackend] reads.
func (b Backend) String() string {
	if int(b) < len(backends) {
		return backends[b]
	}
	return "Backend(" + strconv.Itoa(int(b)) + ")"
}

// ParseBackend reads what [Backend.String] writes.
func ParseBackend(s string) (Backend, error) {
	for b, name := range backends {
		if s == name {
			return Backend(b), nil
		}
	}
	return 0, errors.New("netpoll: a backend is auto, uring or threads")
}

// DiskConfig says how to make a [Disk].
type DiskConfig struct {
	Poller  *Poller // that completions are reported to
	Workers int     // of the scheduler
	Backend Backend
}

// A Disk opens files for the tasks of a scheduler. It starts nothing before it is needed. Its methods may be called from
// anywhere.
//
// Files are always ready, as far as epoll is concerned, so the poller is no help: a read of what is not in memory blocks the
// thread. A call on a file therefore goes three ways, the first that will do:
//
//  1. in line, on the caller's thread, if the kernel promises not to block: it has the data in its cache (RWF_NOWAIT), or
//     the names on the path in its cache of names (RESOLVE_CACHED);
//  2. by io_uring, each worker with a ring of its own, whose completions come through the poller;
//  3. on one of a bounded number of goroutines, or, for pipes, terminals and the like, which may wait for somebody else, on one
//     of their own.
//
// The second is left out where the system refuses any part of it, as many containers do. Results and errors are the same.
type Disk struct {
	config DiskConfig
	crew   crew
	pipes  crew // for what may wait for ever, such as for the other end of a pipe
	disk
}

// NewDisk returns a disk. It starts nothing.
func NewDisk(c DiskConfig) *Disk {
	d := &Disk{config: c}
	d.crew.most = max(64, 4*c.Workers)
	d.pipes.most = math.MaxInt
	d.init()
	return d
}

// Close ends what is under way, by cancelling what can be cancelled and waiting for the rest, and gives back rings and their
// descriptors. Files stay open; calls on them block their goroutine from then on. Close the poller afterwards. It must not be
// called by a task.
func (d *Disk) Close() { d.shut() }

// wrap puts an error into the form that package os gives it.
func wrap(op, name string, err error) error {
	if err == nil {
		return nil
	}
	if p, ok := err.(*fs.PathError); ok {
		return p
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// A crew calls functions that block, on a bounded number of goroutines. They are ordinary ones and end when there is nothing
// left to do. (Threads that stay locked would be slower by half: peers.md has the figures.)
type crew struct {
	most int

	mu      sync.Mutex
	running int
	first   *errand
	last    *errand
}

// An errand is one call.
type errand struct {
	waiter worker.Waiter
	fn     func()
	done   chan struct{} // closed when fn has returned
	next   *errand
}

// do calls fn and waits for that: it suspends the task, or blocks the goroutine, which calls fn itself.
func (c *crew) do(fn func()) {
	ctx := context.Background()
	if worker.Here(ctx) == nil {
		fn()
		return
	}
	e := &errand{fn: fn, done: make(chan struct{})}
	if c.wait(ctx, e) != nil { // the scheduler is being closed
		<-e.done
	}
}

// try is do with a wait that ctx can cancel. Then it returns ctx's error, and fn goes on alone, or is still to begin. If ctx is
// done already, fn is not called.
func (c *crew) try(ctx context.Context, fn func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.wait(ctx, &errand{fn: fn, done: make(chan struct{})})
}

func (c *crew) wait(ctx context.Context, e *errand) error {
	e.waiter.Init(ctx)
	e.waiter.For(worker.ForFile, nil)
	c.send(e)
	return e.waiter.Wait(ctx)
}

func (c *crew) send(e *errand) {
	c.mu.Lock()
	if c.first == nil {
		c.first = e
	} else {
		c.last.next = e
	}
	c.last = e
	begin := c.running < c.most
	if begin {
		c.running++
	}
	c.mu.Unlock()
	if begin {
		go c.work()
	}
}

func (c *crew) work() {
	for e := c.next(); e != nil; e = c.next() {
		e.fn()
		close(e.done)
		e.waiter.Wake()
	}
}

// next takes the oldest errand. If there is none, the goroutine counts as ended.
func (c *crew) next() *errand {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.first
	if e == nil {
		c.running--
		return nil
	}
	if c.first = e.next; c.first == nil {
		c.last = nil
	}
	return e
}
