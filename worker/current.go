package worker

import (
	"context"
	"sync"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/gid"
)

// Which task runs here? A fiber is a goroutine, so the identity of the calling goroutine answers that, whatever context the
// caller has at hand. Every fiber is in a hash table by that identity.
//
// Identities are reused after a goroutine has ended, so a fiber leaves the table as its goroutine's last act.
//
// Readers take no lock. A fiber that leaves and comes again, on another goroutine, may lead those who are on their way through its
// chain into another one. What they find is theirs all the same, since they look for themselves; if they find nothing, they look
// whether somebody has left meanwhile.
var fibers [4096]bucket

type bucket struct {
	mu    sync.Mutex // for changes
	left  atom.Uint32
	first atom.Pointer[fiber]
}

func bucketOf(g uintptr) *bucket { return &fibers[uint64(g>>4)*0x9E3779B97F4A7C15>>52] }

// arrive puts the calling goroutine's fiber into the table.
func (f *fiber) arrive() {
	g := gid.Current()
	f.g.Store(g)
	c := bucketOf(g)
	c.mu.Lock()
	first := c.first.Load()
	f.after.Store(first)
	if first != nil {
		first.before = f
	}
	c.first.Store(f)
	c.mu.Unlock()
}

// vanish takes it out again.
func (f *fiber) vanish() {
	c := bucketOf(f.g.Load())
	c.mu.Lock()
	after := f.after.Load()
	if f.before == nil {
		c.first.Store(after)
	} else {
		f.before.after.Store(after)
	}
	if after != nil {
		after.before = f.before
	}
	f.before = nil
	c.left.Add(1) // before it can come again
	c.mu.Unlock()
}

// fiberHere returns the fiber that the calling goroutine is, or nil. It costs a few nanoseconds.
func fiberHere() *fiber {
	g := gid.Current()
	c := bucketOf(g)
	for {
		left := c.left.Load()
		for f := c.first.Load(); f != nil; f = f.after.Load() {
			if f.g.Load() == g {
				return f
			}
		}
		if c.left.Load() == left {
			return nil
		}
	}
}

// everyFiber calls do with the fibers of the pool that are on a goroutine, all those at least that are so throughout.
func (p *Pool) everyFiber(do func(f *fiber)) {
	var some []*fiber
	for i := range fibers {
		c := &fibers[i]
		c.mu.Lock()
		for f := c.first.Load(); f != nil; f = f.after.Load() {
			if f.p.pool == p {
				some = append(some, f)
			}
		}
		c.mu.Unlock()
		for _, f := range some {
			do(f)
		}
		clear(some)
		some = some[:0]
	}
}

// Here returns the task that runs on the calling goroutine, or nil if it is not a task's. ctx is only a hint: if it is that
// task, the answer is found faster. It costs a few nanoseconds.
func Here(ctx context.Context) *Task {
	if t, ok := ctx.(*Task); ok {
		if f := t.home.Load(); f != nil && f.g.Load() == gid.Current() {
			return f.handle()
		}
	}
	if f := fiberHere(); f != nil {
		return f.handle()
	}
	return nil
}

// handle returns the handle of the task that runs on the fiber, to somebody who may keep it; or nil.
func (f *fiber) handle() *Task {
	t := f.task
	if t != nil {
		t.known = true
	}
	return t
}

// PoolOf returns the pool that the task in ctx runs in, wherever the caller runs, or nil if ctx has no task.
func PoolOf(ctx context.Context) *Pool {
	t, ok := ctx.(*Task)
	if !ok {
		if t, _ = ctx.Value(taskKey{}).(*Task); t == nil {
			return nil
		}
	}
	return t.pool
}

// Spot returns a number by which callers can be told to use one of several counts, so that one count does not go to and fro between
// cores: calls of one worker's tasks get the same number, and mostly another than those of other workers. A goroutine that is no
// task's gets one of its own. It costs a few nanoseconds.
func Spot() uint {
	if f := fiberHere(); f != nil {
		return uint(f.p.id)
	}
	return uint(uint64(gid.Current()>>4) * 0x9E3779B97F4A7C15 >> 52)
}
