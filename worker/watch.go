package worker

import (
	"context"
	"sync"
	"unsafe"
)

// A watch has the waits of tasks end when a context is done that they were started with. A task is under watch from its first wait
// to its end, so that the waits after the first cost nothing.
//
// To ask a context for a call takes 200 bytes, and a lock that all its tasks share. Where many tasks wait, they often have one
// context: that of a group, or of a server. So tasks of one executor share a watch if their contexts have one Done channel.
type watch struct {
	over  context.Context
	done  <-chan struct{}
	stop  func() bool
	tasks int // under the watch. For the executor alone.

	mu    sync.Mutex // guards what follows, and the links of the tasks
	first *Task      // of those whose waits it is going to end
	fired bool
}

// A watchLink is a task's place in a watch.
type watchLink struct{ next, last *Task }

// watches are the latest of an executor, at the places of their channels.
type watches [4]*watch

func (ws *watches) place(done <-chan struct{}) **watch {
	at := *(*uintptr)(unsafe.Pointer(&done))
	return &ws[uint64(at)*0x9E3779B97F4A7C15>>62]
}

// watch sees to it that a wait of the task on its own fiber is ended when the task's context is. A wait is found through the
// fiber, by cancel and by what is set up here; so nothing is needed if nobody else can cancel the task.
//
// It is called on the task's executor.
func (t *Task) watch() {
	if t.watched != nil {
		return
	}
	over := t.parent
	if o, ok := over.(origin); ok {
		over = o.Task.canceller()
	}
	done := over.Done()
	if done == nil {
		return
	}
	place := t.fiber().p.watches.place(done)
	if w := *place; w == nil || w.done != done || !w.add(t) {
		w = &watch{over: over, done: done}
		w.add(t)
		w.stop = context.AfterFunc(over, w.fire)
		*place = w
	}
}

// add puts a task under the watch, if that has not been over.
func (w *watch) add(t *Task) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fired {
		return false
	}
	if t.next = w.first; t.next != nil {
		t.next.last = t
	}
	w.first = t
	w.tasks++
	t.watched = w
	return true
}

// drop takes a task off the list. w.mu is held.
func (w *watch) drop(t *Task) {
	switch {
	case t.last != nil:
		t.last.next = t.next
	case w.first == t:
		w.first = t.next
	default:
		return // fire was first
	}
	if t.next != nil {
		t.next.last = t.last
	}
	t.next, t.last = nil, nil
}

// unwatch ends what watch began. It is called on the task's executor.
func (t *Task) unwatch() {
	w := t.watched
	t.watched = nil
	w.mu.Lock()
	w.drop(t)
	w.mu.Unlock()
	if w.tasks--; w.tasks == 0 {
		w.stop()
		if place := t.fiber().p.watches.place(w.done); *place == w {
			*place = nil
		}
	}
}

// fire ends the waits, one after the other: tasks that end meanwhile shall not have to wait for all.
func (w *watch) fire() {
	for {
		w.mu.Lock()
		w.fired = true
		t := w.first
		if t != nil {
			w.drop(t)
		}
		w.mu.Unlock()
		if t == nil {
			return
		}
		t.endWait()
	}
}

// calledOff reports whether the task was cancelled. It asks all those that would have called endWait, and after that.
func (t *Task) calledOff() bool {
	if t.Err() != nil {
		return true
	}
	_, part := t.parent.(origin) // otherwise the watch is over the parent
	return part && t.watched != nil && t.watched.over.Err() != nil
}
