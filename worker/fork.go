package worker

import "unsafe"

// A Fork is a kind of fork: the slots for forks that take an A and give an R. Make one with [NewFork] for each pair of
// types, usually in a package-level variable; any number of functions with that signature, tasks and pools may share it.
//
// # How a fork is so cheap
//
// A fork writes function and argument into the next slot of the running fiber's fork stack, with plain stores, and moves
// the stack's top. The join moves it back and calls the function on the spot. Neither allocates, and neither touches a word
// that others write, except to read one: the fiber's attention word. Everything else — another kind than that of the current
// segment, a full segment, a slot that has been exposed, a thief, a ready fiber, a handle used wrongly — makes one of the
// two comparisons below fail, and is sorted out by the slow path.
//
// Both methods fit the compiler's inlining budget, because a call of a function that came as an argument counts little
// there (Go 1.26). That is why the slow paths are values that are handed to the functions fork and join.
// TestForkAndJoinAreInlined guards it.
type Fork[A, R any] struct {
	slow func(t *Task, fn func(*Task, A) R, a A) *slot[A, R]
}

// NewFork returns a kind of fork for functions from A to R. It costs one allocation; each fiber that uses the kind
// allocates slots for it on first use.
func NewFork[A, R any]() *Fork[A, R] {
	k := &Fork[A, R]{}
	k.slow = k.forkSlow
	return k
}

// Forked is an outstanding fork, to be joined by the task that forked it.
type Forked[A, R any] struct {
	p  *slot[A, R]
	fn func(*Task, A) R
}

// A slot is one fork's place on a fork stack. Its owner is the fiber, except between taken and done, when it is the thief's
// (see job.go).
type slot[A, R any] struct {
	key  uintptr // a head: fork compares the key of whatever slot is on top, before it knows its type
	next uintptr
	fn   func(*Task, A) R
	arg  A
	slow func(*Task, *slot[A, R]) R
	job  Job

	res     R           // written by the thief before done
	failure *PanicError // written by the thief before done
}

// Fork makes fn(t, a) available to other workers and returns at once. [Forked.Join] gives the result; it must be called by the
// same task, for the youngest fork first. If no worker has stolen the fork by then, Join calls fn itself.
//
// Nor is it promised that anybody has begun it sooner. Where a task waits for what only its forks do, the wait must be one that suspends it,
// such as those of futures and locks: then all its forks are within reach, of its own worker too. While it waits natively, on a channel
// say, they may stay out of reach whatever the number of workers, and nobody can stand in for that. Tasks of sched.Go and of groups are in reach
// from the beginning.
//
// It never blocks. It may suspend the task for a ready one (it is a safe point). It panics if t has ended or belongs to
// another goroutine, as far as that shows without a look at every call. The cost is 1-3 ns and no allocation.
//
// That goes for arguments that the compiler keeps in registers: at present (Go 1.26) those of up to four words, without arrays
// and with at most four fields to a struct. A larger one, three slices say, is copied through memory several times, and costs
// 10 ns more. So let the argument be a pointer to what all forks have in common, and a few numbers.
//
// What happened before Fork happens before fn; what fn did happens before Join returns.
func (k *Fork[A, R]) Fork(t *Task, fn func(*Task, A) R, a A) (f Forked[A, R]) {
	f.p = fork(t.s, uintptr(unsafe.Pointer(k)), t, fn, a, k.slow)
	f.fn = fn
	return
}

func fork[A, R any](s *forkStack, key uintptr, t *Task, fn func(*Task, A) R, a A,
	slow func(*Task, func(*Task, A) R, A) *slot[A, R],
) *slot[A, R] {
	p := *(**slot[A, R])(unsafe.Pointer(&s.top))
	if p.key == key+s.attn.Load() {
		p.fn = fn
		p.arg = a
		s.top = p.next
		return p
	}
	return slow(t, fn, a)
}

// Join returns the result of the fork. If it was not stolen, Join calls the function; if it was and the thief has not
// finished, the task is suspended until it has.
//
// A panic of the forked function passes through Join: as itself if it ran here, as a *[PanicError] with the thief's stack if
// it was stolen; either way it is a *PanicError by the time it reaches whoever awaits the task. Join panics if the fork is not
// the youngest outstanding one of the task. Forks that a recovered panic left behind do not count: they are dropped first.
func (f Forked[A, R]) Join(t *Task) R {
	return join(f.p, f.fn, t, t.s, f.p.slow)
}

func join[A, R any](p *slot[A, R], fn func(*Task, A) R, t *Task, s *forkStack, slow func(*Task, *slot[A, R]) R) R {
	if s.top+s.attn.Load() == p.next {
		s.top = uintptr(unsafe.Pointer(p))
		return fn(t, p.arg)
	}
	return slow(t, p)
}

// Reclaim takes the fork back if it was not stolen, and returns true: its function is not called then, and the caller does that
// work in another way. If the fork was stolen it returns false; then the fork must be joined. It does not block, and panics as
// Join does.
func (f Forked[A, R]) Reclaim(t *Task) bool {
	p, s := f.p, t.s
	if s.top+s.attn.Load() == p.next {
		s.top = uintptr(unsafe.Pointer(p))
		return true
	}
	return p.reclaimSlow(t)
}

// Join2 runs fn(t, a) and fn(t, b), possibly at the same time, and returns both results in that order: it forks the first,
// calls the second, and joins. Panics and cost are those of [Fork.Fork] and [Forked.Join].
func (k *Fork[A, R]) Join2(t *Task, fn func(*Task, A) R, a, b A) (R, R) {
	f := k.Fork(t, fn, a)
	rb := fn(t, b)
	return f.Join(t), rb
}

func (k *Fork[A, R]) forkSlow(t *Task, fn func(*Task, A) R, a A) *slot[A, R] {
	f := t.running("Fork")
	if fn == nil {
		panic("pinwheel: Fork of a nil function")
	}
	f.service()
	key := uintptr(unsafe.Pointer(k))
	if headAt(f.top).key != key {
		f.openSegment(key, newSlots[A, R])
	}
	p := *(**slot[A, R])(unsafe.Pointer(&f.top))
	p.fn, p.arg = fn, a
	f.top = p.next
	f.expose()
	return p
}

func (p *slot[A, R]) reclaimSlow(t *Task) bool {
	f := t.running("Join")
	f.service()
	f.settle(uintptr(unsafe.Pointer(p)))
	if p.next == 0 && !f.reclaim(&p.job) {
		return false
	}
	f.pop()
	f.expose()
	return true
}

// joinSlow is the join of a slot that is exposed or stolen, not on top, or joined while somebody wants attention.
func joinSlow[A, R any](t *Task, p *slot[A, R]) R {
	if p.reclaimSlow(t) {
		return p.fn(t, p.arg)
	}
	f := t.fiber()
	f.await(&p.job)
	res, failure := p.res, p.failure
	var none R
	p.res, p.failure = none, nil
	p.job.state.Store(jobPrivate)
	f.pop()
	f.expose()
	if failure != nil {
		failure.raise()
	}
	return res
}

// runStolen runs a stolen slot on the thief's fiber. It is the run function of the slots' jobs.
func runStolen[A, R any](f *fiber, j *Job) {
	var p *slot[A, R]
	p = (*slot[A, R])(unsafe.Add(unsafe.Pointer(j), -int(unsafe.Offsetof(p.job))))
	if !j.state.CompareAndSwap(jobExposed, jobTaken) {
		f.p.stats.stale.add(1)
		return // the owner was quicker, or another entry led another thief here
	}
	seg := (*segment)(j.what)
	run := stolen{f: f, j: j, owner: seg.owner, failure: &p.failure}
	run.level = f.enter(seg.task.Load().child(f))
	run.marking = f.dress(f.task, func() uintptr { return **(**uintptr)(unsafe.Pointer(&p.fn)) })
	f.p.noteStolen(unsafe.Pointer(&p.fn), f)
	defer run.finish()
	p.res = p.fn(f.task, p.arg)
	run.returned = true
}

// A stolen is the run of one stolen slot.
type stolen struct {
	f, owner *fiber
	j        *Job
	level    level
	failure  **PanicError
	marking
}

// finish ends the run, deferred, so that it also ends runs that panicked or left by Goexit. After the state says done the
// slot is the owner's again: nothing of it may be touched, and what the wake needs was loaded before.
func (s *stolen) finish() {
	if !s.returned {
		*s.failure = s.f.caught(recover())
	}
	s.marking.end()
	s.f.leave(s.level)
	s.f.p.note(EventEnd, 0, s.f.number())
	if s.j.state.Swap(jobDone) == jobAwaited {
		s.owner.resume()
	}
}
