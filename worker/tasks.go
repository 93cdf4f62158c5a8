package worker

import (
	"time"
	"unsafe"

	"github.com/pinwheel-sched/pinwheel/internal/callsite"
	"github.com/pinwheel-sched/pinwheel/internal/tick"
)

// A TaskInfo is what others can tell of a task that has begun.
type TaskInfo struct {
	ID      uintptr       // of a task that waits, as long as it has not ended; 0 of one that runs
	Parent  uintptr       // the task that it is a part of by its context, or 0
	Started Calls         // where it was started, if that is known
	Worker  int           // where it is; -1 if not on a worker
	Waits   bool          // or else it runs, or is blocked natively
	For     Reason        // what it waits for,
	On      uintptr       // the address of that object, or 0,
	Since   time.Duration // and for how long
}

// Tasks returns the tasks that wait and those that run, in no order. Tasks keep nothing for it but the time when they began to
// wait. It costs a microsecond or so for each fiber, and holds up workers that begin or end fibers meanwhile. What it returns is not of
// one moment.
func (p *Pool) Tasks() []TaskInfo {
	var all []TaskInfo
	p.everyFiber(func(f *fiber) {
		at := -1
		if w := f.p.worker; w != nil {
			at = w.id
		}
		if w := f.waiter.Load(); w != nil {
			t := w.task
			info := TaskInfo{ID: identity(t), Worker: at, Waits: true, For: w.why, On: w.on, Since: tick.Since(w.since)}
			if t != nil {
				info.Started = t.root().started()
				parent, _ := t.parent.Value(taskKey{}).(*Task)
				info.Parent = identity(parent)
			}
			all = append(all, info)
			return
		}
		if f.p.cur.Load() != f {
			return
		}
		if pc := callsite.Site(f.site.Load()).PC(); pc != 0 {
			all = append(all, TaskInfo{Worker: at, Started: Calls{pc}})
		}
	})
	return all
}

func identity(t *Task) uintptr { return uintptr(unsafe.Pointer(t)) }
