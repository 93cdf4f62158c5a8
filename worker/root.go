package worker

import (
	"context"
	"time"
	"unsafe"

	"github.com/pinwheel-sched/pinwheel/internal/callsite"
)

// A Root is a task that was submitted, as opposed to a fork. Embed it in what the task needs besides, so that both are one
// allocation, and set it up with Init. It is submitted once.
type Root struct {
	job  Job // must be first
	task Task
	body Body
}

// A Body is what a root task does.
type Body interface {
	// Run does the work, as a task.
	Run(t *Task)
	// Done is called once, when the task is over and its handle has ended. failure is non-nil if Run panicked or left by
	// runtime.Goexit. refused is non-nil if Run was never called: the context was done, or the pool closed, before.
	// It is called on a worker, or a goroutine of the pool; it must not block, and not panic.
	Done(failure *PanicError, refused error)
}

// Init sets r up to run body under ctx.
func (r *Root) Init(ctx context.Context, body Body) {
	r.job.run = runRoot
	r.task.parent = ctx
	r.body = body
}

// StartedAt notes where the task was started: at the return address pc, as callsite.PC returns it. It costs nothing to speak of.
func (r *Root) StartedAt(pc uintptr) { r.job.site = callsite.Of(pc) }

// started returns that place, as a stack of one call.
func (r *Root) started() Calls {
	if pc := r.job.site.PC(); pc != 0 {
		return Calls{pc}
	}
	return nil
}

// root returns the root that t is, or is a part of.
func (t *Task) root() *Root {
	return (*Root)(unsafe.Add(unsafe.Pointer(t.top()), -int(unsafe.Offsetof(Root{}.task))))
}

// Bind names the pool that is going to run the task, so that Cancel may be called before it is submitted.
func (r *Root) Bind(p *Pool) {
	if r.task.pool != p {
		r.task.pool = p
	}
}

// prepare binds the task to the pool that is going to run it.
func (r *Root) prepare(p *Pool) {
	r.Bind(p)
	r.job.what = sampled(&r.job)
}

// rootOf returns the root that a job is part of.
func rootOf(j *Job) *Root { return (*Root)(unsafe.Pointer(j)) }

// runRoot keeps its frame small: it lies below those of every task that waits.
func runRoot(f *fiber, j *Job) {
	r := rootOf(j)
	if err := r.refusal(f); err != nil {
		r.refuse(f, err)
		return
	}
	run := rootRun{r: r}
	run.begin(f)
	defer run.finish()
	r.body.Run(&r.task)
	run.returned = true
}

// refusal says why the task need not begin.
func (r *Root) refusal(f *fiber) (err error) {
	if r.task.detached {
		return nil
	}
	if k := f.familiar(&r.task); k == nil || k.isDone() || r.task.c.Load() != nil {
		err = r.task.Err()
	}
	if f.p.pool.cancelled.Load() { // asked last, for Close cancels the task's context as well
		return ErrClosed
	}
	return err
}

func (r *Root) refuse(f *fiber, err error) {
	f.p.stats.cancelled.add(1)
	r.body.Done(nil, err)
}

// Cancel cancels the task's context, with a cause, from anywhere. If the task has not begun, it never will. It must not be
// called before the task was submitted. It does not block.
func (r *Root) Cancel(cause error) { r.task.cancel(cause) }

// Cancelled is Cancel, for a future.Owner.
func (r *Root) Cancelled(cause error) { r.task.cancel(cause) }

// A rootRun is the run of one root task, which is the first on its fiber: nothing lies below it.
type rootRun struct {
	r     *Root
	begun time.Duration // if its times are taken
	marking
}

func (s *rootRun) begin(f *fiber) {
	r := s.r
	s.begun = f.p.stats.begun((*time.Duration)(r.job.what))
	f.p.noteTask(r, f)
	f.site.Store(uint32(r.job.site))
	r.task.begin(f)
	f.enter(&r.task)
	s.marking = f.dress(&r.task, r.entry)
}

func (s *rootRun) finish() {
	f := s.r.task.fiber()
	var failure *PanicError
	if !s.returned {
		failure = f.caught(recover())
	}
	s.marking.end()
	f.leave(level{})
	f.p.stats.over(s.begun)
	f.p.note(EventEnd, 0, f.number())
	s.r.body.Done(failure, nil)
}

// Submit hands over a task from the goroutine of a running one: it goes to the worker's own deque, from where the worker takes
// the youngest task next and thieves the oldest first.
func (t *Task) Submit(r *Root) error {
	f := t.running("Submit")
	r.prepare(f.p.pool)
	return f.submit(&r.job)
}

func (f *fiber) submit(j *Job) error {
	p := f.p
	if q := p.pool.seq; q != nil {
		return q.submit(j, false)
	}
	p.own.Push(j)
	p.pool.notify(p)
	return nil
}

// StandBy has a task submitted, as by [Task.Submit], as soon as the calling task waits or makes way for another; until then nobody knows of
// it. A task has one such at most: nil takes it back, which must be done before the calling task ends.
func (t *Task) StandBy(r *Root) { t.running("StandBy").p.standby = r }

// RunInPlace runs a task on the calling task's own fiber, under a context derived from it. It returns the failure if fn
// panicked. If fn calls runtime.Goexit, that ends the calling task as well.
func (t *Task) RunInPlace(ctx context.Context, fn func(*Task)) (failure *PanicError) {
	f := t.running("Run")
	inner := t.within(ctx)
	inner.begin(f)
	l := f.enter(inner)
	returned := false
	defer func() {
		if !returned {
			failure = f.caught(recover())
		}
		f.leave(l)
	}()
	fn(inner)
	returned = true
	return nil
}
