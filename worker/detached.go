package worker

import (
	"context"
	"unsafe"

	"github.com/pinwheel-sched/pinwheel/internal/callsite"
)

// A detached task is a function that nobody awaits. Until it begins there is no more of it than this, less than a third of a root task:
// what else a task needs it gets on loan from the fiber where it runs.
type detachedTask struct {
	job Job // must be first
	fn  func()
	ctx context.Context
}

// Detach has fn called in a task of its own, under ctx, that was started at the return address pc. Once it has been taken, fn is called:
// also if ctx is done before it begins, or the pool is closed. It fails with [ErrClosed] if the pool takes no more. It does not block,
// except that a sequence runs the task first. A panic of fn goes to the pool's panic handler: see [Pool.Abandoned].
//
// On a task's own goroutine, use [Task.Detach] instead.
func (p *Pool) Detach(ctx context.Context, fn func(), pc uintptr) error {
	return p.submit(newDetached(ctx, fn, pc))
}

// Detach hands over a function, as [Pool.Detach] does, from the goroutine of a running task, as [Task.Submit] does.
func (t *Task) Detach(ctx context.Context, fn func(), pc uintptr) error {
	return t.running("Detach").submit(newDetached(ctx, fn, pc))
}

func newDetached(ctx context.Context, fn func(), pc uintptr) *Job {
	d := &detachedTask{fn: fn, ctx: ctx}
	d.job.run, d.job.site = runDetached, callsite.Of(pc)
	d.job.what = sampled(&d.job)
	return &d.job
}

// runDetached runs the function as a root task. The root is the fiber's: the next function on this fiber has it again, unless its handle was
// given away, which may be used after the end.
func runDetached(f *fiber, j *Job) {
	d := (*detachedTask)(unsafe.Pointer(j))
	r := f.root
	if f.root = nil; r == nil {
		r = &Root{task: Task{pool: f.p.pool, detached: true}}
	}
	r.Init(d.ctx, d)
	r.job.site, r.job.what = j.site, j.what
	runRoot(f, &r.job)
	r.body = nil
	if !r.task.known {
		r.task.parent = nil
		f.root = r
	}
}

// Run, Done and Entry are for the root.

func (d *detachedTask) Run(*Task) { d.fn() }

func (d *detachedTask) Done(failure *PanicError, _ error) {
	if failure != nil {
		fiberHere().p.pool.Abandoned(failure)
	}
}

func (d *detachedTask) Entry() uintptr { return Entry(d.fn) }
