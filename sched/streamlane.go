package sched

import (
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// An intake is where elements of the source become inputs of tasks.
type intake[T any] struct {
	f      *flow
	first  follower[T]
	letter func(x T, err error)
	key    func(x T) uint64
	lanes  []lane[T] // one, or those that keys are dealt to
}

// keyLanes is how many lanes there are for each worker if items have keys.
const keyLanes = 16

func newIntake[T any](f *flow, first follower[T], key func(x T) uint64, letter func(x T, err error)) *intake[T] {
	in := &intake[T]{f: f, first: first, key: key, letter: letter, lanes: make([]lane[T], 1)}
	if key != nil {
		in.lanes = make([]lane[T], keyLanes*f.workers)
		f.options.unordered = true
	}
	begin := func() {
		for i := range in.lanes {
			in.lanes[i].init(in)
		}
	}
	if f.fill == nil {
		begin()
	} else {
		f.fill(begin)
	}
	f.fill = in.fill
	return in
}

// fill completes the last page of results in order, and has another intake begin behind it: a function that calls one stream after
// the other can be a source.
func (in *intake[T]) fill(begin func()) {
	p, used := in.lanes[0].page, in.lanes[0].used
	if p.out == nil {
		begin()
		return
	}
	in.f.n += uint64(len(p.items) - used)
	begin() // first: when its last cell is filled, a page must have one that follows
	for i := used; i < len(p.items); i++ {
		var none T
		in.first.put(nil, place{p.out, i}, none, errDropped)
	}
}

// push takes an element. It returns false if no more are wanted.
func (in *intake[T]) push(x T, err error) bool {
	f := in.f
	if err != nil {
		if in.letter == nil {
			f.sourceErr = err
			return false
		}
		in.letter(x, err)
		return f.failedAt.Load() == never
	}
	if f.failedAt.Load() != never {
		return false
	}
	l := &in.lanes[0]
	if in.key != nil {
		l = &in.lanes[in.key(x)%uint64(len(in.lanes))]
	}
	l.add(x)
	return f.counted()
}

// A lane is a queue of inputs in pages. The source fills it; tasks take spans from the front.
//
// At any time when there are inputs, there is a task of the lane that has been submitted and not begun, or has begun and not
// looked yet. It is the first thing that it does when it begins to allow another; then it takes a span, and if there are more,
// submits the other. So workers join as they become idle, also when fn suspends its task, and while all are busy there is just
// one task of the lane in the queues, and adding an input costs no more than a look at a flag.
//
// Where keys ask for order, a lane is serial: its task allows another only when it has found the lane empty.
type lane[T any] struct {
	in     *intake[T]
	serial bool
	front  atom.Pointer[inputs[T]]
	_      [128]byte
	queued atom.Uint32 // 1 if there is a task that will look

	page *inputs[T] // the source's
	used int        // of page
}

// inputs are a page of a lane. Pages are not used again, so whoever still has an old one does no harm.
type inputs[T any] struct {
	base   int64 // the index of the first
	items  []T
	out    any         // the page of their results, if those are in order
	filled atom.Uint32 // by the source
	_      [128]byte
	taken  atom.Uint32             // by tasks
	next   atom.Pointer[inputs[T]] // there, once all are filled
}

const (
	firstPage = 16
	mostPage  = mostTaken
)

func (l *lane[T]) init(in *intake[T]) {
	l.in, l.serial = in, in.key != nil
	l.page = l.newPage(int64(in.f.n), firstPage)
	l.front.Store(l.page)
}

func (l *lane[T]) newPage(base int64, n int) *inputs[T] {
	p := &inputs[T]{base: base, items: make([]T, n)}
	if !l.in.f.options.unordered {
		p.out = l.in.first.page(n)
	}
	return p
}

// add appends an input and sees to it that a task looks for it.
func (l *lane[T]) add(x T) {
	p := l.page
	p.items[l.used] = x
	l.used++
	if l.used == len(p.items) {
		l.page = l.newPage(p.base+int64(l.used), min(2*l.used, mostPage))
		l.used = 0
		p.next.Store(l.page)
		p.filled.Store(uint32(len(p.items)))
	} else {
		p.filled.Store(uint32(l.used))
	}
	if l.queued.Load() == 0 && l.queued.CompareAndSwap(0, 1) {
		l.submit(nil)
	}
}

// submit starts a task of the lane: from t's worker, or from outside.
func (l *lane[T]) submit(t *Task) {
	r := &laneTask[T]{lane: l}
	r.Init(l.in.f.ctx, r)
	var err error
	if t != nil {
		err = t.Submit(&r.Root)
	} else {
		err = l.in.f.pool.Submit(&r.Root)
	}
	if err != nil {
		l.in.f.stop(err)
	}
}

// take takes a span of inputs, n or a fair share if there are less. It returns nil if there are none.
func (l *lane[T]) take(n int) (p *inputs[T], lo, hi int) {
	for {
		p = l.front.Load()
		taken, filled := p.taken.Load(), p.filled.Load()
		if taken == filled {
			if int(filled) < len(p.items) {
				return nil, 0, 0
			}
			l.front.CompareAndSwap(p, p.next.Load())
			continue
		}
		share := (int(filled-taken) + l.in.f.workers - 1) / l.in.f.workers
		if l.serial {
			share = n
		}
		next := min(filled, taken+uint32(min(n, share)))
		if p.taken.CompareAndSwap(taken, next) {
			return p, int(taken), int(next)
		}
	}
}

// pending reports whether there are inputs that nobody has taken.
func (l *lane[T]) pending() bool {
	p := l.front.Load()
	if p.taken.Load() < p.filled.Load() {
		return true
	}
	next := p.next.Load()
	return next != nil && next.filled.Load() > 0
}

// A laneTask takes spans of a lane and calls the functions of the stages.
type laneTask[T any] struct {
	worker.Root
	lane    *lane[T]
	entered bool

	page   *inputs[T] // the span
	at, hi int
}

// laneTurn is how long a laneTask goes on before it lets others have the worker.
const laneTurn = 500 * time.Microsecond

func (r *laneTask[T]) Run(t *Task) {
	l := r.lane
	f := l.in.f
	if !l.serial {
		l.queued.Store(0)
	}
	if !f.enter() {
		return
	}
	r.entered = true
	for begin, start := atom.Now(), atom.Now(); ; {
		p, lo, hi := l.take(int(f.chunk.Load()))
		if p == nil {
			if !l.serial {
				return
			}
			l.queued.Store(0) // then look: the mirror image of add
			if !l.pending() || !l.queued.CompareAndSwap(0, 1) {
				return
			}
			continue
		}
		if !l.serial {
			l.offer(t)
		}
		r.page, r.at, r.hi = p, lo, hi
		for !r.span(t) {
		}
		end := atom.Now()
		f.adapt(hi-lo, end-start)
		f.nudge(end)
		start = end
		if end-begin > laneTurn {
			if l.serial {
				l.submit(t)
			} else {
				l.offer(t)
			}
			return
		}
	}
}

// offer submits another task of the lane if there is something for it to do.
func (l *lane[T]) offer(t *Task) {
	if l.queued.Load() == 0 && l.pending() && l.queued.CompareAndSwap(0, 1) {
		l.submit(t)
	}
}

// span goes on with the span. It returns false when a function has panicked.
func (r *laneTask[T]) span(t *Task) (done bool) {
	in := r.lane.in
	defer func() {
		if done {
			return
		}
		var none T
		at := place{r.page.out, r.at}
		r.at++
		if p := recover(); p != nil {
			in.first.put(t, at, none, t.Caught(p))
		} else {
			in.first.put(t, at, none, ErrGoexit)
		}
	}()
	var none T
	for r.at < r.hi {
		if r.page.base+int64(r.at) > in.f.failedAt.Load() {
			return true
		}
		x := r.page.items[r.at]
		r.page.items[r.at] = none
		in.first.put(t, place{r.page.out, r.at}, x, nil)
		r.at++
		if t.Attention() {
			t.SafePoint()
		}
	}
	return true
}

func (r *laneTask[T]) Done(failure *PanicError, refused error) {
	f := r.lane.in.f
	if refused != nil {
		f.stop(refused)
	} else if failure != nil && failure.Value != ErrGoexit {
		f.stop(failure)
	}
	if r.entered {
		f.leave()
	}
}
