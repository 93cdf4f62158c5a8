package worker

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/tick"
	"github.com/pinwheel-sched/pinwheel/internal/victim"
)

// Config says how to make a [Pool].
type Config struct {
	// Workers is the number of workers: how many tasks compute at once. At least 1, at most [MaxWorkers].
	Workers int
	// MaxWorkers is the number that [Pool.Resize] may raise that to. If it is less than Workers, it is Workers.
	MaxWorkers int
	// Watch is called every few seconds while workers are in use, on a goroutine of its own, to look whether the machine has changed. It
	// may be nil.
	Watch func()
	// CPUs has the CPUs that each worker is pinned to. An empty set, or none at all, leaves the worker unpinned.
	CPUs []affinity.Set
	// Loosen lets a pinned worker that parks often run on other CPUs as well: see loose.go.
	Loosen bool
	// Topology tells how far these are from each other, and Victims whether that matters.
	Topology *affinity.Topology
	Victims  victim.Policy
	// Spin is how long a worker that finds no work goes on looking before it parks.
	Spin time.Duration
	// KeepGOMAXPROCS forbids the pool to raise GOMAXPROCS to one more than its workers.
	KeepGOMAXPROCS bool
	// OnPanic is called, on a worker, with panics that have nobody to go to. If it is nil, such a panic ends the process.
	OnPanic func(*PanicError)
	// Spares is how many workers can be stood in for at the same time while their tasks block natively: see standin.go.
	Spares int
	// Stall is after how long a worker that passes no safe point is reported; 0 for never. OnStall is called with the report, on a
	// goroutine of its own. If it is nil, it goes to the default logger.
	Stall   time.Duration
	OnStall func(*Stall)
	// Loop makes the event loop of the pool, on first use. If it is nil, the pool has none.
	Loop func() (Loop, error)
}

// MaxWorkers is the largest number of workers of a pool.
const MaxWorkers = 4096

// DefaultSpin is the spin time that measured best: see docs/decisions/0004-spin-before-parking.md.
const DefaultSpin = 50 * time.Microsecond

// A Pool is a set of workers that steal from each other.
//
// Its threads start when there is work for them, and stay until it is closed. An idle pool uses no CPU.
type Pool struct {
	size     int
	spin     time.Duration
	onPanic  func(*PanicError)
	keepMax  bool
	loosen   bool
	workers  []*worker
	guests   []atom.Pointer[guest]
	procs    []atom.Pointer[proc] // the workers', then the guests'
	injector injector
	seq      *sequence // nil for a pool with workers
	looper   looper
	spares   spareSet
	starting func(*worker) // start, except in explorations
	watching func()        // keepWatch, except there
	watchdog watchdog
	brief    briefSet
	moment   tick.Count // about half of shortTime, not more
	late     lateWatch

	_          [128]byte
	state      atom.Uint64 // see idle.go
	_          [128]byte
	idle       bitset      // the parked workers
	freeGuests bitset      // except the first, see firstGuest
	procsUsed  atom.Uint32 // procs from here on are nil

	// Closing, in this order.
	cancelled atom.Bool // by Close: tasks that have not begun never will, waits are cancelled
	stopping  atom.Bool // everything has ended; trunks return
	base      context.Context
	cancel    context.CancelCauseFunc
	quiet     chan struct{} // closed when everything has ended
	setQuiet  sync.Once
	finish    sync.Once
	gone      chan struct{} // closed when Close or Shutdown has finished

	mu      sync.Mutex
	started int
	running sync.WaitGroup
	threads []int
	pinErr  error

	machine    victim.Machine
	victims    victim.Policy
	tracing    bool
	traceTypes types
	rejected   atomic.Uint64
	stalls     atomic.Uint64

	target   atomic.Int32 // see resize.go
	retired  bitset
	resizing sync.Mutex
	used     int  // workers that are or have been below the target. Guarded by mu, as is:
	reserved int  // what GOMAXPROCS has been reserved, 0 if nothing
	over     bool // threads end
	watch    func()
	nextLook atomic.Int64 // when to call watch
}

// New returns a pool. It starts nothing.
func New(c Config) (*Pool, error) {
	if c.Workers < 1 || c.Workers > MaxWorkers {
		return nil, errors.New("worker: the number of workers is not between 1 and 4096")
	}
	if len(c.CPUs) != 0 && len(c.CPUs) != c.Workers {
		return nil, errors.New("worker: as many CPUs as workers are needed, or none")
	}
	limit := max(c.Workers, min(c.MaxWorkers, MaxWorkers))
	guests := max(8, 2*limit)
	p := &Pool{
		size:       limit,
		spin:       c.Spin,
		onPanic:    c.OnPanic,
		keepMax:    c.KeepGOMAXPROCS,
		loosen:     c.Loosen,
		workers:    make([]*worker, limit),
		guests:     make([]atom.Pointer[guest], guests),
		procs:      make([]atom.Pointer[proc], limit+guests+c.Spares),
		idle:       newBitset(limit + guests + c.Spares),
		freeGuests: newBitset(guests),
		quiet:      make(chan struct{}),
		gone:       make(chan struct{}),
		looper:     looper{make: c.Loop},
		victims:    c.Victims,
		machine:    victim.Machine{Topology: c.Topology, CPUs: make([]affinity.Set, limit)},
		retired:    newBitset(limit + guests + c.Spares),
		used:       c.Workers,
		watch:      c.Watch,
	}
	p.moment = tick.In(shortTime / 2)
	p.injector.init()
	p.looper.prompt.init()
	copy(p.machine.CPUs, c.CPUs)
	p.target.Store(int32(c.Workers))
	if c.Spares > 0 {
		p.spares.most = uint32(limit)
	}
	p.state.Store(uint64(p.withheld()) * oneGuest) // see resize.go
	p.base, p.cancel = context.WithCancelCause(context.Background())
	for i := range p.workers {
		w := &worker{spin: c.Spin}
		w.pool, w.id, w.worker = p, i, w
		set := p.machine.CPUs[i]
		w.cpus.Store(&set)
		w.parked.Store(neverStarted)
		p.workers[i] = w
		if i < c.Workers {
			p.idle.add(i)
		} else {
			p.retired.add(i)
		}
	}
	for i := range guests - 1 {
		p.freeGuests.add(i + 1)
	}
	p.procsUsed.Store(uint32(limit))
	p.watchdog.after, p.watchdog.report = c.Stall, c.OnStall
	if c.OnStall == nil {
		p.watchdog.report = func(s *Stall) { s.LogTo(slog.Default()) }
	}
	p.spares.all = make([]atom.Pointer[worker], c.Spares)
	p.starting, p.watching = p.start, p.keepWatch
	if c.Spares == 0 {
		p.spares.watch.Store(watchNever)
	}
	return p, nil
}

// start starts a worker that has never run.
func (p *Pool) start(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !w.isSpare() {
		if p.started++; p.reserved == 0 && !p.keepMax {
			p.reserved = p.Size() + 1
			reserve(p.reserved)
		}
	}
	p.running.Add(1)
	go w.main()
}

// main locks the goroutine to its thread and runs the worker there. It returns while still locked, so that the thread ends
// with it, and nobody inherits its affinity mask.
func (w *worker) main() {
	runtime.LockOSThread()
	pprof.SetGoroutineLabels(context.Background()) // not those of whoever has started the worker
	if onMainThread() {
		// The main thread cannot end. While it is held here, another goroutine has to run elsewhere.
		held := make(chan struct{})
		go func() { close(held); w.main() }()
		<-held
		runtime.UnlockOSThread()
		return
	}
	p := w.pool
	unpin := func() error { return nil }
	var err error
	p.mu.Lock()
	if cpus := *w.native().cpus.Load(); !cpus.IsEmpty() {
		unpin, err = pin(cpus)
		w.pinned = cpus
	}
	thread := threadID()
	w.thread.Store(int64(thread)) // from here on, Move moves it
	p.threads = append(p.threads, thread)
	if err != nil && p.pinErr == nil {
		p.pinErr = err
	}
	p.mu.Unlock()
	defer p.running.Done()
	defer func() {
		p.mu.Lock()
		w.thread.Store(0) // Move shall not pin whoever has its number next
		if !w.isSpare() {
			p.started--
		}
		p.mu.Unlock()
		_ = unpin()
	}()
	atom.Precise() // for doze; the thread ends with the worker
	w.init(w.id)
	p.procs[w.id].Store(&w.proc)
	w.joinTrace()
	w.goOn()
	w.isSearching = true // deliver has counted it so
	w.becomes(stateSearching)
	w.parked.Store(asleep)
	w.trunk()
	w.stop()
}

// stop takes a worker out of the counts whose thread is about to end.
func (w *worker) stop() {
	left := oneAwake
	if w.isSearching {
		left += oneSearching
	}
	w.pool.state.Add(-left)
	w.becomes(stateAbsent)
}

// Submit hands over a task, to be run some time. It fails with [ErrClosed] if the pool takes no more. It does not block, except
// that a sequence runs the task first, until it ends or waits.
//
// On a task's own goroutine, use [Task.Submit] instead.
func (p *Pool) Submit(r *Root) error {
	r.prepare(p)
	return p.submit(&r.job)
}

func (p *Pool) submit(j *Job) error {
	q := p.seq
	if q == nil {
		return p.inject(j)
	}
	outside := q.isOutside()
	err := q.submit(j, outside)
	if outside && err == nil {
		q.settle()
	}
	return err
}

// inject puts a task into the injector.
func (p *Pool) inject(j *Job) error {
	if !p.injector.push(j) {
		p.rejected.Add(1)
		return ErrClosed
	}
	p.notify(nil)
	return nil
}

// RunHere runs a task to its end, on the calling goroutine's time, if it was over soon the last time (see [Pool.Took]) and a seat is
// free: idle workers steal from it. Otherwise it is a Submit, and here is false: then the task may run at any time. With
// [Anyway] it takes a seat that is not there, if the pool is not closed and has fewer than twice as many guests as workers.
func (p *Pool) RunHere(r *Root, c Code) (here bool, err error) {
	if p.seq != nil {
		return true, p.seq.host(r)
	}
	if c != Anyway && !p.brief.has(c) {
		return false, p.Submit(r)
	}
	g := p.admit(c == Anyway)
	if g == nil {
		return false, p.Submit(r)
	}
	r.prepare(p)
	began := tick.Now()
	g.host(r)
	if c != Anyway {
		p.Took(c, began)
	}
	return true, nil
}

// Closed reports whether the pool has stopped taking work.
func (p *Pool) Closed() bool { return p.state.Load()&closedBit != 0 }

// Shutdown stops taking work, waits until everything that was taken has ended, and leaves no goroutine and no thread behind.
// If ctx is done first, it returns ctx's error and the tasks go on; Shutdown or Close may be called again. From a task of the
// pool it returns an error at once. It may be called more than once, and at the same time.
//
// The steps:
//
//  1. Refuse: the injector takes nothing more, the closed bit keeps guests out. A submission has come before that, and will
//     run, or reports ErrClosed.
//  2. Drain: tasks may still start tasks. Whoever runs out of work after step 1 looks whether all have (checkQuiet).
//  3. Stop: the trunks see stopping, end their fibers and return, and their threads with them; the guests' goroutines end.
//  4. Close the event loop, which ends the waits of goroutines that are no tasks.
//  5. Restore GOMAXPROCS.
func (p *Pool) Shutdown(ctx context.Context) error {
	if p.fromTask() {
		return errors.New("pinwheel: Shutdown was called by a task of the scheduler, which would wait for itself")
	}
	p.refuse()
	select {
	case <-p.quiet:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.finish.Do(p.stop)
	<-p.gone
	return nil
}

// Close cancels all tasks, those that have begun by their context, and then does what Shutdown does. Tasks that have not
// begun end with [ErrClosed], but for those of [Pool.Detach], which begin all the same.
func (p *Pool) Close() error {
	if p.fromTask() {
		return errors.New("pinwheel: Close was called by a task of the scheduler, which would wait for itself")
	}
	p.refuse()
	p.cancelled.Store(true) // then look for fibers that wait: the mirror image of Waiter.Wait
	p.cancel(ErrClosed)
	p.everyFiber(func(f *fiber) {
		if w := f.waiter.Load(); w != nil && !w.firm {
			w.cancel()
		}
	})
	return p.Shutdown(context.Background())
}

// refuse takes no more work. The closed bit comes last: whoever sees it may find that the pool is quiet, and after that there must be
// no other way in.
func (p *Pool) refuse() {
	p.injector.close()
	p.closePocket()
	p.looper.prompt.close()
	p.seq.refuse()
	p.state.Or(closedBit)
	p.checkQuiet()
}

// checkQuiet notices that a pool that takes no more work has none left. Whoever might be the last to run out of work calls
// it afterwards.
//
// What it looks at changes only while some worker is awake, and that worker parks, or some guest departs, before it is not. So
// if nobody is awake at the end, and nobody has parked since the beginning, then all was as it was seen, at once. (That goes for
// suspended, too, which is no atomic word: its worker has changed it before it left the state.) Seats do not matter: who only takes or gives
// some, as Resize does and the watch, does not look for quiet afterwards, and must not keep it from those who do.
func (p *Pool) checkQuiet() {
	before := p.parks()
	s := p.state.Load()
	if s&closedBit == 0 || awake(s) != 0 || visits(s) != 0 || p.seq.busy() || p.anyWork() {
		return
	}
	waiting := false
	p.everyWorker(func(w *worker) { waiting = waiting || w.suspended.Load() != 0 || w.mail.any() })
	if waiting {
		return
	}
	if s = p.state.Load(); awake(s) == 0 && visits(s) == 0 && p.parks() == before {
		p.setQuiet.Do(func() { close(p.quiet) })
	}
}

// parks returns how often workers have begun to park.
func (p *Pool) parks() (n uint64) {
	p.everyWorker(func(w *worker) { n += w.stats.parks.n.Load() })
	return n
}

func (p *Pool) stop() {
	defer close(p.gone)
	p.endWatch()
	p.watchdogOff()
	p.everyWorker(func(w *worker) {
		if p.procs[w.id].Load() != nil {
			p.wake(w)
		}
	})
	p.running.Wait()
	p.endRested()
	p.mu.Lock()
	threads := p.threads
	p.over = true
	p.mu.Unlock()
	for _, id := range threads {
		awaitThreadEnd(id)
	}
	p.closeLoop()
	if p.reserved > 0 {
		release(p.reserved)
	}
	p.cancel(ErrClosed)
}

// fromTask reports whether the caller is a task of the pool.
func (p *Pool) fromTask() bool {
	f := fiberHere()
	return f != nil && f.task != nil && f.p.pool == p
}

// abandoned deals with a panic that nobody awaits.
func (p *Pool) abandoned(err *PanicError) {
	switch {
	case err == nil || err.Value == ErrGoexit:
	case p.onPanic != nil:
		p.onPanic(err)
	default:
		go panic(err) // as a goroutine's would, beyond all recovers
	}
}

// Abandoned hands a panic that nobody awaits to the pool's panic handler, or ends the process if it has none.
func (p *Pool) Abandoned(err *PanicError) { p.abandoned(err) }

// avoid returns the worker that should rather not be woken by the executor from, because it would share its CPU; or -1.
func (p *Pool) avoid(from *proc) int {
	if from == nil || from.id < p.size || p.alone() {
		return -1
	}
	cpu := currentCPU()
	for i, w := range p.workers {
		if w.cpus.Load().Has(cpu) {
			return i
		}
	}
	return -1
}
