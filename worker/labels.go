package worker

import (
	"context"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
)

// What a task has from its submitter besides values: the profiler's labels, and the tracer's task.
//
// Both are in the context, where pprof.Do and trace.NewTask put them. The profiler however looks at the goroutine, and a
// worker's goroutines run the tasks of many. So a task with labels puts them on its fiber when it begins, and takes them off
// when it ends; a stolen fork does so with those of its task. A worker and its fibers have none of their own. A guest's fibers
// have those of the calling goroutine from the beginning, as every goroutine has those of its maker; lasting ones have none.
//
// What a function sets by pprof.Do within a task is on its fiber until it returns, also while the task is suspended. What it
// starts under the context that Do gives it has it too. A fork that is stolen has what its handle says: to have forks labelled,
// use Run under that context, and fork with its handle.

// labelled reports whether a context has labels. It costs as much as looking up a value.
func labelled(ctx context.Context) (found bool) {
	if ctx == context.Background() {
		return false
	}
	pprof.ForLabels(ctx, func(_, _ string) bool {
		found = true
		return false
	})
	return found
}

// A marking is what begins and ends with a task on its fiber.
type marking struct {
	region   *trace.Region
	labels   bool // to be taken off
	returned bool // set at the end of a run that has neither panicked nor left by Goexit
}

// dress begins it. entry is the code address of what the task runs, if that is asked for.
func (f *fiber) dress(t *Task, entry func() uintptr) (m marking) {
	if k := f.familiar(t); !f.hosted && (k == nil || k.labelled) && labelled(t.parent) {
		pprof.SetGoroutineLabels(t.parent)
		m.labels = f.p.worker != nil || f.lasting // other fibers' goroutines end with their job
	}
	if trace.IsEnabled() {
		m.region = trace.StartRegion(t.parent, nameOf(entry()))
	}
	return m
}

func (m *marking) end() {
	if m.region != nil {
		m.region.End()
	}
	if m.labels {
		pprof.SetGoroutineLabels(context.Background())
	}
}

// nameOf returns the name of the function with code at entry.
func nameOf(entry uintptr) string {
	if fn := runtime.FuncForPC(entry); fn != nil {
		return fn.Name()
	}
	return "pinwheel task"
}

// entry returns the code address of what the task runs, or 0 if its body does not say.
func (r *Root) entry() uintptr {
	if e, ok := r.body.(interface{ Entry() uintptr }); ok {
		return e.Entry()
	}
	return 0
}
