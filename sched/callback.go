package sched

import (
	"context"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// callbacks are calls of timers' functions that have become due together. They are one task as long as each returns without
// waiting, which makes a call some 20 ns instead of some hundred. The task forks what comes after the present call, so when
// that waits, or computes while another worker is idle, the rest is somebody else's.
type callbacks struct {
	worker.Root
	pool *worker.Pool
	fs   []func()
}

// callBack starts a task for callbacks. When the scheduler is being closed, they are not called any more.
func callBack(pool *worker.Pool, fs []func()) {
	c := &callbacks{pool: pool, fs: fs}
	c.Init(context.Background(), c)
	_ = pool.Prompt(&c.Root)
}

func (c *callbacks) Run(t *Task) { callAll(t, c.fs) }

func (c *callbacks) Done(failure *PanicError, _ error) { c.pool.Abandoned(failure) }

var callForks = NewFork[[]func(), struct{}]()

func callAll(t *Task, fs []func()) (none struct{}) {
	for ; len(fs) > 1; fs = fs[1:] {
		rest := callForks.Fork(t, callAll, fs[1:])
		call(t, fs[0], func() {
			if rest.Reclaim(t) {
				callBack(worker.PoolOf(t), fs[1:])
			}
		})
		if !rest.Reclaim(t) {
			return rest.Join(t)
		}
	}
	call(t, fs[0], func() {})
	return none
}

// call calls a function. If that panics, the panic goes to the handler. If it leaves by runtime.Goexit, or the handler does not return,
// that takes the task with it; then save is called before.
func call(t *Task, f, save func()) {
	returned := false
	defer func() {
		if returned {
			return
		}
		handled := false
		defer func() {
			if !handled {
				save()
			}
		}()
		if r := recover(); r != nil {
			worker.PoolOf(t).Abandoned(t.Caught(r))
			handled = true
		}
	}()
	f()
	returned = true
}
