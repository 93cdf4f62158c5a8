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
var fibers [4096]struct {
	mu    sync.Mutex          // for changes
	first atom.Pointer[entry] // a chain
}

// An entry is a fiber's place in the table. It is not used again: readers may still be on their way through it when it has
// been taken out.
type entry struct {
	g    uintptr
	f    *fiber
	next atom.Pointer[entry]
}

func bucketOf(g uintptr) int { return int(uint64(g>>4) * 0x9E3779B97F4A7C15 >> 52) }

// arrive puts the calling goroutine's fiber into the table.
func (f *fiber) arrive() {
	g := gid.Current()
	f.g.Store(g)
	f.here = &entry{g: g, f: f}
	b := &fibers[bucketOf(g)]
	b.mu.Lock()
	f.here.next.Store(b.first.Load())
	b.first.Store(f.here)
	b.mu.Unlock()
}

// vanish takes it out again.
func (f *fiber) vanish() {
	b := &fibers[bucketOf(f.here.g)]
	b.mu.Lock()
	link := &b.first
	for link.Load() != f.here {
		link = &link.Load().next
	}
	link.Store(f.here.next.Load())
	b.mu.Unlock()
	f.here = nil
}

// fiberHere returns the fiber that the calling goroutine is, or nil. It costs a few nanoseconds.
func fiberHere() *fiber {
	g := gid.Current()
	for e := fibers[bucketOf(g)].first.Load(); e != nil; e = e.next.Load() {
		if e.g == g {
			return e.f
		}
	}
	return nil
}

// Here returns the task that runs on the calling goroutine, or nil if it is not a task's. ctx is only a hint: if it is that
// task, the answer is found faster. It costs a few nanoseconds.
func Here(ctx context.Context) *Task {
	if t, ok := ctx.(*Task); ok {
		if f := t.home.Load(); f != nil && f.g.Load() == gid.Current() {
			return f.task
		}
	}
	if f := fiberHere(); f != nil {
		return f.task
	}
	return nil
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
