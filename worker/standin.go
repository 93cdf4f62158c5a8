package worker

import (
	"runtime"
	"runtime/metrics"
	"slices"
	"time"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// A worker whose task blocks natively — in a channel, a sync.Mutex, a system call or cgo — blocks its thread, and its seat is
// lost to the pool, unless somebody stands in for it. Here is who does, and when.
//
// A spare is a worker like others, with a thread, fibers and a deque of its own, and no seat. While it stands in for a worker it
// has that one's seat and is pinned to its CPUs: it takes jobs, parks in idle and is woken as the other would be. The blocked
// worker's deque is stolen from as ever. Its suspended fibers wait for it, since they cannot leave its thread, and the forks that the
// blocked fiber has not exposed are out of everybody's reach: Fork tells users what that means to them.
//
//	on duty --- relieve (the watch) ---> relieved --- comeBack (the worker) ---> on duty
//	   |  ^
//	   |  |  park, and its end                          (handing: between the two, while one of them is at it)
//	   v  |
//	off duty
//
// Whoever moves the duty word out of onDuty changes the counts: the worker when it parks, the watch when it relieves it. In the
// state word a relieved worker is a visit, like a guest that is blocked, so that the pool is not taken to be quiet. What a worker
// does between its return and the moment when it notices, at its next safe point or the end of its job, it does uncounted; from
// then on there is one too many until the spare is at the end of its job, and leaves.
//
//	To relieve a worker (relieve):
//	  take a spare from the bench. Move the duty word to handing; if the worker was not on duty, put the spare back.
//	  Give the spare the worker's seat. Take the worker out of the count. Say relieved. Then wake the spare, as one that searches.
//	  (Who has no seat is relieved without a spare: one that was dismissed, or a worker that is to retire. If that one has its seat
//	  back by Resize before it comes back, a spare gets it then: see fill.)
//
//	To come back (comeBack):
//	  move the duty word to handing, count oneself again, say on duty, and dismiss the spare.
//
//	To dismiss a spare (dismiss):
//	  say dismissed. Then, if it is parked in idle, take it out and put it on the bench; then look whether one of its fibers has
//	  become ready meanwhile. If it is itself relieved, dismiss who stands in for it.
//
// The bench is the set of retired workers (resize.go), and a spare that is dismissed retires as they do: it takes no job, but runs
// fibers of its own that are ready.
//
// Why no wake is lost. The spare is woken as one that searches, so it looks everywhere, and from then on is in idle when it is
// parked. So there are always as many workers as seats that are awake or in idle, and the argument of idle.go holds. One that
// leaves for the bench gives up a seat, and looks for work after that, as a guest does.
//
// # Who watches
//
// The watch is a goroutine that looks at the workers now and then, while work waits and every seat is taken: nothing can be amiss
// otherwise. Whoever makes work visible and finds every seat taken starts it (guard), unless it runs. A look costs 30 us of some
// CPU, and more in what it interrupts. So it looks every millisecond as long as that pays, which is when somebody whom it has
// relieved stays away for a while, and otherwise less and less often, down to every 16 ms. If no look has found work
// waiting for calmTime, it ends. So it costs an idle pool nothing, and a busy one a load where it would otherwise wake a worker.
//
// A worker whose thread's CPU clock has stood still for standstill, and that the kernel says is asleep and not waiting for a CPU, is
// blocked, or waits for a P: in a garbage collection for example, which stops each worker several times. A spare would have to wait as
// well. So nobody is relieved at a look at which goroutines wait for a P, unless it was so at the last few. A guest's goroutine has no thread to ask about, nor has a worker where the system does not tell: those are asked to pass a
// safe point, and lose their seat when they have not after silence. If they compute for so long without one, there is one too
// many for a while.
//
// Where workers block again and again, each time costs the time until the next look. So then a spare whose worker comes back is not
// dismissed but kept, with a seat of its own: it goes on as one worker more, so that the next time somebody is awake already. When no
// relief has paid for a while, those that were kept are dismissed. Their seats are held in the state's count by guests that do not
// exist, as those of retired workers are (resize.go), unless they are kept.
//
// The watch of guests takes no spare. A guest that holds a seat keeps some worker parked, which is woken instead.

// The duty of an executor.
const (
	offDuty uint32 = iota
	onDuty
	handing
	relieved
)

const (
	watchTime  = time.Millisecond       // from one look to the next, as long as they pay
	watchSlow  = 4                      // by how many doublings that grows
	worthwhile = 500 * time.Microsecond // how long somebody who was relieved must stay away for that to have paid
	standstill = 200 * time.Microsecond
	silence    = 50 * time.Millisecond
	mostHungry = 4 // looks in a row that may find goroutines waiting for a P, and relieve nobody therefore

	calmTime  = 50 * time.Millisecond // of looks at which no work waited, until the watch ends
	oftenTime = 50 * time.Millisecond // reliefs that pay and are closer together than that are often
	keepTime  = time.Second           // how long spares are kept after the last one

	// DefaultSpares is how many workers can be stood in for at the same time.
	DefaultSpares = 256
)

// A spareSet is what a pool has for stand-ins.
type spareSet struct {
	all    []atom.Pointer[worker]
	made   int // how many there are; the watch's
	watch  atom.Uint32
	vain   int         // the watch's: looks that have not paid
	hungry int         // the watch's: looks in a row at which goroutines waited for a P
	paid   atom.Uint32 // 1 if one has

	most     uint32        // how many spares are kept, at most
	often    atom.Bool     // they shall be. The watch's to write
	kept     atom.Uint32   // how many are
	lastPaid time.Duration // the watch's: when a relief has paid the last time

	waiting [1]metrics.Sample // the watch's

	reliefs atom.Count // how often an executor was found blocked; written by the watch
}

// spareID returns the id of the first spare.
func (p *Pool) spareID() int { return p.size + len(p.guests) }

// byID returns the worker with an id.
func (p *Pool) byID(id int) *worker {
	if id < p.size {
		return p.workers[id]
	}
	return p.spares.all[id-p.spareID()].Load()
}

// everyWorker calls f for all workers and spares.
func (p *Pool) everyWorker(f func(w *worker)) {
	for _, w := range p.workers {
		f(w)
	}
	for i := range p.spares.all {
		w := p.spares.all[i].Load()
		if w == nil {
			return
		}
		f(w)
	}
}

// isSpare reports whether w is one of those that stand in for others.
func (w *worker) isSpare() bool { return w.id >= w.pool.size }

// native returns the worker of the pool's own whose seat a spare has: the one whom it stands in for, or that one's.
func (w *worker) native() *worker {
	if w.isSpare() {
		return w.seat.Load()
	}
	return w
}

// takeSpare returns a spare from the bench, or a new one, or nil if there are enough. For the watch.
func (p *Pool) takeSpare() *worker {
	s := &p.spares
	for i := range s.made {
		if w := s.all[i].Load(); p.retired.remove(w.id) {
			return w
		}
	}
	if s.made == len(s.all) {
		return nil
	}
	w := &worker{spin: p.spin}
	w.pool, w.id, w.worker = p, p.spareID()+s.made, w
	w.seatless.Store(true)
	w.parked.Store(neverStarted)
	s.all[s.made].Store(w)
	s.made++
	p.reach(w.id)
	return w
}

// bench puts a spare that is parked, and that the caller has to itself, on the bench.
func (p *Pool) bench(s *worker) {
	p.retired.add(s.id)
	if s.inbox.Load() != nil || p.stopping.Load() && p.procs[s.id].Load() != nil { // whoever wanted to wake it found it nowhere
		p.wake(s)
	}
}

// relieve has a spare stand in for a worker that is on duty. If the worker is itself one without a seat, a spare that has been
// dismissed for example, there is somebody else who has its seat, and need only be woken. Only the watch calls it.
func (p *Pool) relieve(w *worker) {
	var s *worker
	if !w.mustRetire() {
		if s = p.takeSpare(); s == nil {
			return
		}
	}
	taken := w.duty.CompareAndSwap(onDuty, handing)
	if s != nil && (!taken || w.mustRetire()) {
		p.bench(s)
		s = nil
	}
	if !taken {
		return
	}
	if s != nil {
		s.standInFor(w)
	}
	p.state.Add(oneVisit - oneAwake)
	w.look.relieved = atom.Now()
	w.duty.Store(relieved)
	p.spares.reliefs.Add(1)
	w.request(wantReturn)
	if s != nil {
		p.deliver(s.id)
	} else {
		p.notify(nil)
	}
}

// standInFor gives a spare the seat of a worker whose duty is handing.
func (s *worker) standInFor(w *worker) {
	s.seat.Store(w.native()) // not w, which may be a spare that is going to stand in for this one
	s.seatless.Store(false)
	w.relief.Store(s)
}

// vacant reports whether a worker is relieved and has a seat that nobody has taken.
func (w *worker) vacant() bool {
	return w.duty.Load() == relieved && !w.mustRetire() && w.relief.Load() == nil
}

// fill has a spare stand in for a worker that was to retire when it was relieved, and is not any more. Only the watch calls it, at each look.
// Who makes a seat vacant calls guard afterwards.
func (p *Pool) fill(w *worker) {
	if !w.vacant() {
		return
	}
	s := p.takeSpare()
	switch {
	case s == nil:
	case !w.duty.CompareAndSwap(relieved, handing):
		p.bench(s)
	case w.mustRetire():
		w.duty.Store(relieved)
		p.bench(s)
	default:
		s.standInFor(w)
		w.duty.Store(relieved)
		p.deliver(s.id)
	}
}

// anyVacant reports whether a seat is vacant.
func (p *Pool) anyVacant() bool { return slices.ContainsFunc(p.workers, (*worker).vacant) }

// comeBack is for an executor that may have been relieved, and takes its seat again.
func (p *proc) comeBack() {
	if p.duty.Load() > onDuty {
		p.takeSeat()
	}
}

// takeSeat leaves the duty word at handing while it is at it, lest the watch relieve the executor once more before it has its seat.
func (p *proc) takeSeat() {
	for !p.duty.CompareAndSwap(relieved, handing) { // the watch is at it
		atom.Yield()
		runtime.Gosched() // for the garbage collector may have stopped the watch, and wait for this goroutine
	}
	if atom.Now()-p.look.relieved >= worthwhile {
		p.pool.spares.paid.Store(1)
	}
	s := p.relief.Swap(nil)
	switch {
	case p.worker == nil:
		p.pool.state.Add(oneGuest)
	case s != nil && p.pool.keep(s):
		p.pool.state.Add(^(oneVisit - oneAwake + oneGuest - 1)) // s has a seat, that of a guest who does not exist
		s = nil
	default:
		p.pool.state.Add(^(oneVisit - oneAwake - 1)) // the other way round
	}
	p.duty.Store(onDuty)
	if s != nil {
		p.pool.dismiss(s)
	}
}

// keep reports whether a spare, whose worker has come back, is kept: as many as there are workers, but none beside a single one,
// whose tasks run one after the other. If so, the caller has a seat more counted as free.
func (p *Pool) keep(s *worker) bool {
	n := uint32(p.Size())
	if !p.spares.often.Load() || n == 1 {
		return false
	}
	if p.spares.kept.Add(1) > min(n, p.spares.most) {
		p.spares.kept.Add(^uint32(0))
		return false
	}
	p.letRoam(s)
	s.kept.Store(true)
	return true
}

// letRoam lets a spare that is going to be kept run on all CPUs, where workers may: it is one more than they are, and its worker's CPU
// is the one where somebody is awake again.
func (p *Pool) letRoam(s *worker) {
	if !p.loosen {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if cpus := *s.native().cpus.Load(); !cpus.IsEmpty() && p.machine.Topology != nil {
		s.loose.Store(affinity.PinThread(int(s.thread.Load()), p.machine.Topology.Allowed) == nil)
	}
}

// dismissKept dismisses those that are kept. It is shrink for them.
func (p *Pool) dismissKept() {
	for i := range p.spares.made {
		if s := p.spares.all[i].Load(); s.kept.Swap(false) {
			p.spares.kept.Add(^uint32(0))
			p.state.Add(oneGuest)
			p.dismiss(s)
		}
	}
}

// think decides, after a look, when the next one is to be, and whether to keep spares.
func (p *Pool) think() {
	s := &p.spares
	if s.paid.Swap(0) == 0 {
		s.vain = min(s.vain+1, 2*watchSlow)
		if (s.often.Load() || s.kept.Load() > 0) && atom.Now()-s.lastPaid > keepTime {
			s.often.Store(false)
			p.dismissKept()
		}
		return
	}
	s.vain = 0
	now := atom.Now()
	if now-s.lastPaid < oftenTime {
		s.often.Store(s.most > 0)
	}
	s.lastPaid = now
}

// goOff is for an executor that is going to leave its seat by itself.
func (p *proc) goOff() {
	for !p.duty.CompareAndSwap(onDuty, offDuty) {
		p.comeBack()
	}
}

// goOn is for one that has taken a seat.
func (p *proc) goOn() {
	p.answer()
	p.duty.Store(onDuty)
}

// answer tells the watch, and the watchdog, that the executor is alive.
func (p *proc) answer() {
	if p.wanted.Load()&(wantWord|wantSign) != 0 {
		p.wanted.And(^(wantWord | wantSign))
	}
}

// dismiss takes the seat from a spare.
func (p *Pool) dismiss(s *worker) {
	s.seatless.Store(true)
	if p.idle.remove(s.id) {
		p.bench(s)
		return
	}
	p.dismissRelief(s)
}

// dismissRelief dismisses who stands in for a worker that has lost its own seat, if somebody does.
func (p *Pool) dismissRelief(w *worker) {
	for w.duty.Load() == handing {
		atom.Yield()
		runtime.Gosched() // see takeSeat
	}
	if s := w.relief.Swap(nil); s != nil {
		p.dismiss(s)
	}
}

// guard starts the watch, if there is to be one. For those who find that work waits and every seat is taken.
func (p *Pool) guard() {
	if p.spares.watch.Load() == watchEnded && p.spares.watch.CompareAndSwap(watchEnded, watchRuns) {
		p.startWatch()
	}
}

const (
	watchEnded uint32 = iota
	watchRuns
	watchNever // there are to be no stand-ins, or the pool is being closed
)

func (p *Pool) startWatch() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping.Load() {
		p.spares.watch.Store(watchNever)
		return
	}
	p.running.Add(1)
	go p.watching()
}

// pressed reports whether work waits and every seat is taken.
func (p *Pool) pressed() bool {
	s := p.state.Load()
	return searching(s) == 0 && awake(s)+guests(s) >= p.room() && p.anyWork()
}

// keepWatch is the watch.
func (p *Pool) keepWatch() {
	defer p.running.Done()
	s := &p.spares
	for calm := time.Duration(0); ; {
		pause := watchTime << min(s.vain/2, watchSlow)
		atom.FutexWait(&s.watch, watchRuns, pause)
		switch {
		case s.watch.Load() == watchNever:
			return
		case p.pressed():
			calm = 0
			if pause > watchTime { // a look tells what has happened since the last one
				p.everyWorker(func(w *worker) { w.stoodStill(atom.Now()) })
				atom.FutexWait(&s.watch, watchRuns, watchTime)
			}
			p.inspect()
		default:
			calm += pause
		}
		for _, w := range p.workers {
			p.fill(w)
		}
		if p.think(); calm < calmTime || s.often.Load() || s.kept.Load() > 0 {
			continue
		}
		// End, then look once more: the mirror image of guard's caller, who makes work visible and then looks at the word.
		if !s.watch.CompareAndSwap(watchRuns, watchEnded) {
			return
		}
		if !p.pressed() && !p.anyVacant() || !s.watch.CompareAndSwap(watchEnded, watchRuns) {
			return
		}
	}
}

// endWatch ends the watch for good.
func (p *Pool) endWatch() {
	p.mu.Lock()
	p.stopping.Store(true)
	p.mu.Unlock()
	p.spares.watch.Store(watchNever)
	atom.FutexWake(&p.spares.watch, 1)
}

// inspect looks for executors that are blocked, and sees to it that their seats are filled.
func (p *Pool) inspect() {
	now := atom.Now()
	still := false
	p.everyWorker(func(w *worker) {
		w.look.doubtful = w.duty.Load() == onDuty && w.stoodStill(now)
		still = still || w.look.doubtful
	})
	if still {
		atom.FutexWait(&p.spares.watch, watchRuns, standstill)
		now = atom.Now()
		still = !p.spares.starved()
	}
	if still {
		p.everyWorker(func(w *worker) {
			if w.look.doubtful && w.stoodStill(now) && threadSleeps(int(w.thread.Load())) && p.pressed() {
				p.relieve(w)
			}
		})
	}
	for i := range p.guests {
		if g := p.guests[i].Load(); g != nil && g.duty.Load() == onDuty && g.silent(now) && p.pressed() {
			p.unseat(&g.proc)
		}
	}
}

// starved reports whether goroutines wait for a P, which is why workers may stand still. If they always do, it is for another
// reason.
func (s *spareSet) starved() bool {
	s.waiting[0].Name = "/sched/goroutines/runnable:goroutines"
	metrics.Read(s.waiting[:])
	if v := s.waiting[0].Value; v.Kind() == metrics.KindUint64 && v.Uint64() > 0 && s.hungry < mostHungry {
		s.hungry++
		return true
	}
	s.hungry = 0
	return false
}

// unseat takes its seat from a guest that is silent, and wakes a worker in its stead.
func (p *Pool) unseat(g *proc) {
	if g.duty.CompareAndSwap(onDuty, handing) {
		p.state.Add(^(oneGuest - 1))
		g.look.relieved = atom.Now()
		g.duty.Store(relieved)
		p.spares.reliefs.Add(1)
		g.request(wantReturn)
		p.notify(nil)
	}
}

// A look is what the watch has seen of an executor the last time.
type look struct {
	cpu      time.Duration // its thread's CPU time
	at       time.Duration // and when that was
	asked    time.Duration // when it was asked to pass a safe point; 0 if it has not been
	relieved time.Duration // when it was relieved the last time
	doubtful bool
}

// stoodStill reports whether the worker's thread has hardly computed since the last look.
func (w *worker) stoodStill(now time.Duration) bool {
	cpu, known := threadTime(int(w.thread.Load()))
	if !known {
		return w.silent(now)
	}
	last := w.look
	w.look.cpu, w.look.at = cpu, now
	return last.at != 0 && cpu-last.cpu < (now-last.at)/8
}

// silent reports whether the executor has been asked to pass a safe point, and has not for a while.
func (p *proc) silent(now time.Duration) bool {
	if p.look.asked == 0 || p.wanted.Load()&wantWord == 0 {
		p.look.asked = now
		p.request(wantWord)
		return false
	}
	return now-p.look.asked >= silence
}
