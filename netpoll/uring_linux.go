//go:build linux && !pinwheel_portable

package netpoll

import (
	"context"
	"errors"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// A ring is an io_uring. Who wants something puts a request in and tells the kernel, in one system call for each, and waits.
// When the request is done, the kernel writes that into the completion queue, and adds to an eventfd, which is registered with
// the poller like a connection. Whoever polls then goes through the queue and wakes those who waited.
//
// What the kernel uses, the buffer and the file, is referred to from the table of requests until the completion has come, also
// if the wait was cancelled long before. (The buffer needs no pinning: it is on the heap, since the table refers to it, and the
// collector does not move what is there.)
//
// See io_uring_setup(2) and io_uring_enter(2). The structures are the kernel's.
type ring struct {
	source // of the eventfd

	poller *Poller
	fd     int
	event  int

	mu     sync.Mutex // for submitting, and for the table
	sq     queueOf[uint32]
	sqes   []sqe
	table  []*request // by number
	free   []uint32   // numbers that are not in use
	queue  []*request // those that wait for a number
	closed bool

	cqMu    sync.Mutex // for going through the completions
	cq      queueOf[cqe]
	sqFlags *uint32
	closing bool // close alone takes completions
	maps    [][]byte
}

// A request is something that the kernel has been asked for.
type request struct {
	waiter worker.Waiter
	ring   *ring
	file   *diskFile
	held   *hold // of the file
	buf    []byte
	off    int64
	op     uint8
	number uint32
	res    int32
	over   bool          // guarded by ring.mu, as is done
	done   chan struct{} // made by who waits for the end whatever happens
}

const (
	opFsync  = 3
	opCancel = 14
	opRead   = 22
	opWrite  = 23

	ringEntries   = 64
	ringRequests  = 512 // under way at once. More wait.
	ringCQEntries = 2 * ringRequests

	setupCQSize = 1 << 3

	// One mapping for both queues; no completion is lost; the buffers' descriptions need not outlive the call; offset -1 is the
	// file's position.
	needed = 1<<0 | 1<<1 | 1<<2 | 1<<3

	enterGetEvents  = 1 << 0
	cqOverflow      = 1 << 1
	registerEventfd = 4

	offsetSQ   = 0
	offsetSQEs = 0x10000000

	cancelTag = 1 << 63 // in the user data of requests to cancel

	notTaken = math.MinInt32 // the result of a request that the kernel has not taken
)

type sqe struct {
	opcode   uint8
	flags    uint8
	ioprio   uint16
	fd       int32
	off      uint64
	addr     uint64
	len      uint32
	opFlags  uint32
	userData uint64
	_        [3]uint64
}

type cqe struct {
	userData uint64
	res      int32
	flags    uint32
}

type ringParams struct {
	sqEntries, cqEntries, flags, threadCPU, threadIdle, features, wqFD uint32
	_                                                                  [3]uint32
	sq, cq                                                             ringOffsets
}

// ringOffsets are those of the submission queue. The completion queue's have cqes in place of dropped.
type ringOffsets struct {
	head, tail, mask, entries, flags, dropped, array, _ uint32
	_                                                   uint64
}

type cqOffsets struct {
	head, tail, mask, entries, overflow, cqes, flags, _ uint32
	_                                                   uint64
}

// A queueOf is one of the two queues that the kernel shares.
type queueOf[T any] struct {
	head, tail *uint32
	mask       uint32
	slots      []T
}

// errNoRing says that the request has not been made, and must be fulfilled in another way.
var errNoRing = errors.New("no io_uring")

// newRing makes a ring. The error says which system call was refused.
func newRing(p *Poller) (r *ring, err error) {
	r = &ring{poller: p, fd: -1, event: -1}
	defer func() {
		if err != nil {
			r.discard()
			r = nil
		}
	}()
	params := ringParams{flags: setupCQSize, cqEntries: ringCQEntries}
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, ringEntries, uintptr(unsafe.Pointer(&params)), 0)
	if errno != 0 {
		return r, os.NewSyscallError("io_uring_setup", errno)
	}
	r.fd = int(fd)
	unix.CloseOnExec(r.fd)
	if params.features&needed != needed {
		return r, errors.New("io_uring of this kernel is too old")
	}
	if err := r.mapQueues(&params); err != nil {
		return r, os.NewSyscallError("mmap", err)
	}
	if r.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return r, os.NewSyscallError("eventfd2", err)
	}
	event := int32(r.event)
	_, _, errno = unix.Syscall6(unix.SYS_IO_URING_REGISTER, fd, registerEventfd, uintptr(unsafe.Pointer(&event)), 1, 0, 0)
	if errno != 0 {
		return r, os.NewSyscallError("io_uring_register", errno)
	}
	r.table = make([]*request, ringRequests)
	for i := range uint32(ringRequests) {
		r.free = append(r.free, i)
	}
	return r, p.register(&r.source, r.event, r)
}

func (r *ring) mapQueues(params *ringParams) error {
	cqOff := (*cqOffsets)(unsafe.Pointer(&params.cq))
	size := max(params.sq.array+4*params.sqEntries, cqOff.cqes+uint32(unsafe.Sizeof(cqe{}))*params.cqEntries)
	m, err := r.mmap(offsetSQ, int(size))
	if err != nil {
		return err
	}
	e, err := r.mmap(offsetSQEs, int(params.sqEntries)*int(unsafe.Sizeof(sqe{})))
	if err != nil {
		return err
	}
	word := func(off uint32) *uint32 { return (*uint32)(unsafe.Pointer(&m[off])) }
	r.sq = queueOf[uint32]{word(params.sq.head), word(params.sq.tail), *word(params.sq.mask), unsafe.Slice(word(params.sq.array), params.sqEntries)}
	r.cq = queueOf[cqe]{word(cqOff.head), word(cqOff.tail), *word(cqOff.mask), unsafe.Slice((*cqe)(unsafe.Pointer(&m[cqOff.cqes])), params.cqEntries)}
	r.sqFlags = word(params.sq.flags)
	r.sqes = unsafe.Slice((*sqe)(unsafe.Pointer(&e[0])), params.sqEntries)
	return nil
}

func (r *ring) mmap(off int64, size int) ([]byte, error) {
	m, err := unix.Mmap(r.fd, off, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err == nil {
		r.maps = append(r.maps, m)
	}
	return m, err
}

// discard gives back what the system has given.
func (r *ring) discard() {
	for _, m := range r.maps {
		_ = unix.Munmap(m)
	}
	for _, fd := range [...]int{r.fd, r.event} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// do makes a request and waits until it is fulfilled. With loose, ctx ends the wait.
func (r *ring) do(ctx context.Context, f *diskFile, op uint8, loose bool, buf []byte, off int64) (int, error) {
	c := f.hold()
	if c == nil {
		return 0, os.ErrClosed
	}
	q := &request{ring: r, file: f, held: c, buf: buf, off: off, op: op}
	q.waiter.Init(ctx)
	q.waiter.For(worker.ForFile, nil)
	if err := r.submit(q); err != nil {
		f.release(c)
		return 0, err
	}
	if err := q.waiter.Wait(ctx); err != nil {
		r.cancel(q)
		if loose {
			return 0, err
		}
		<-q.done // the scheduler is being closed
	}
	switch {
	case q.res == notTaken:
		return 0, errNoRing
	case q.res == -int32(unix.ECANCELED):
		return 0, worker.ErrClosed
	case q.res < 0:
		return 0, unix.Errno(-q.res)
	}
	return int(q.res), nil
}

// submit makes a request, now or when others are done.
func (r *ring) submit(q *request) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errNoRing
	}
	if len(r.free) == 0 {
		r.queue = append(r.queue, q)
		return nil
	}
	return r.begin(q)
}

// begin hands a request to the kernel. There must be a free number.
func (r *ring) begin(q *request) error {
	last := len(r.free) - 1
	q.number = r.free[last]
	e := sqe{opcode: q.op, fd: int32(q.file.fd), off: uint64(q.off), len: uint32(len(q.buf)), userData: q.tag()}
	if q.op != opFsync {
		e.addr = uint64(addressOf(q.buf))
	}
	r.table[q.number] = q
	if !r.enter(e) {
		r.table[q.number] = nil
		return errNoRing
	}
	r.free = r.free[:last]
	return nil
}

// tag is the user data of the request: its number, and bits of its address, so that a cancellation that comes late does not hit
// the number's next user.
func (q *request) tag() uint64 {
	return uint64(q.number) | uint64(uint32(uintptr(unsafe.Pointer(q))>>4))<<24
}

// enter submits one entry. It reports false if the kernel has not taken it.
func (r *ring) enter(e sqe) bool {
	tail := *r.sq.tail // only the holder of the lock writes it
	i := tail & r.sq.mask
	r.sqes[i], r.sq.slots[i] = e, i
	atomic.StoreUint32(r.sq.tail, tail+1)
	for {
		n, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), 1, 0, 0, 0, 0)
		switch {
		case errno == 0 && n == 1:
			return true
		case errno == unix.EINTR:
			continue
		}
		// No memory, or too many completions that nobody has taken. The kernel looks at the queue only when it is told to.
		atomic.StoreUint32(r.sq.tail, tail)
		return false
	}
}

// cancel asks the kernel to give up a request whose wait was cancelled. If that does not help, it goes on and nobody hears of
// it. It makes done, which is closed when the request is over.
func (r *ring) cancel(q *request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q.done = make(chan struct{})
	if q.over {
		close(q.done)
		return
	}
	for i, waiting := range r.queue {
		if waiting == q {
			r.queue = append(r.queue[:i], r.queue[i+1:]...)
			q.finish(-int32(unix.ECANCELED))
			return
		}
	}
	r.revoke(q)
}

func (r *ring) revoke(q *request) {
	r.enter(sqe{opcode: opCancel, fd: -1, addr: q.tag(), userData: cancelTag})
}

// finish ends a request. The ring's lock must be held.
func (q *request) finish(res int32) {
	q.res, q.over = res, true
	q.file.release(q.held)
	q.file, q.buf = nil, nil
	if q.done != nil {
		close(q.done)
	}
	q.waiter.Wake()
}

// ready makes the ring a [sink]: the eventfd has been added to. It is not read: edge-triggered, it need not be.
func (r *ring) ready(uint32) {
	r.cqMu.Lock()
	defer r.cqMu.Unlock()
	if !r.closing {
		r.reap()
	}
}

// orphan has nothing to do, because [Disk.Close] comes first.
func (r *ring) orphan() {}

// reap takes the completions. The caller has cqMu, or is closing.
func (r *ring) reap() {
	head := *r.cq.head // only the caller writes it
	for {
		for ; head != atomic.LoadUint32(r.cq.tail); head++ {
			c := r.cq.slots[head&r.cq.mask]
			atomic.StoreUint32(r.cq.head, head+1)
			if c.userData&cancelTag == 0 {
				r.complete(uint32(c.userData&(1<<24-1)), c.res)
			}
		}
		// Those for which there was no room the kernel keeps until somebody comes for them.
		if atomic.LoadUint32(r.sqFlags)&cqOverflow == 0 || !r.await(0) {
			return
		}
	}
}

// await waits until there are so many completions. It reports false if it has been refused or interrupted.
func (r *ring) await(n uintptr) bool {
	_, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), 0, n, enterGetEvents, 0, 0)
	return errno == 0
}

// complete ends a request, and begins one that waited for its number. If the kernel does not take that, it is done in another way, and
// so are those behind it: there may be no other completion that they could wait for.
func (r *ring) complete(number uint32, res int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.table[number]
	r.table[number] = nil
	r.free = append(r.free, number)
	q.finish(res)
	for len(r.queue) > 0 && len(r.free) > 0 {
		next := r.queue[0]
		r.queue[0] = nil
		r.queue = r.queue[1:]
		if r.begin(next) != nil {
			next.finish(notTaken)
		}
	}
}

// close cancels what is under way, waits until it is over, and gives the ring back. The memory of requests could be used for
// something else before, with the kernel still writing into it.
func (r *ring) close() {
	r.mu.Lock()
	r.closed = true
	for _, q := range r.queue {
		q.finish(-int32(unix.ECANCELED))
	}
	r.queue = nil
	for _, q := range r.table {
		if q != nil {
			r.revoke(q)
		}
	}
	r.mu.Unlock()
	r.cqMu.Lock()
	r.closing = true // or a poller could take the last completion just before it is waited for
	r.cqMu.Unlock()
	for r.reap(); r.underWay() > 0; r.reap() {
		r.await(1)
	}
	r.poller.unregister(&r.source)
	r.discard()
}

func (r *ring) underWay() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return ringRequests - len(r.free)
}
