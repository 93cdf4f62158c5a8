package future

import (
	"context"
	"runtime/debug"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// A job makes calls: the first itself, and after it those that follow from it, one after the other, as long as each has but
// one. The others it leaves to jobs of their own. So no call ever waits for one that does not lead up to it, whatever calls
// wait for.
type job struct {
	worker.Root
	delivery
	current *node // before Run, a list of those whose call is due; after it, the one whose call has failed
}

// spawn has calls made, on the scheduler that the caller belongs to.
func spawn(calls *node) {
	j := &job{current: calls}
	if !onExplorer(j) && !j.submit() {
		go j.goroutine()
	}
}

func (j *job) submit() bool {
	j.Init(context.Background(), j)
	return worker.SubmitHere(&j.Root)
}

// Run is the job as a task.
func (j *job) Run(t *worker.Task) { j.run(t) }

func (j *job) run(t *worker.Task) {
	n := j.current
	if others := n.next; others != nil {
		n.next = nil
		spawn(others)
	}
	defer func() { j.current = n }() // the one that did not return, if any
	for n != nil {
		n = j.follow(n.self.call())
		if t != nil {
			t.SafePoint()
		}
	}
}

// follow tells the listeners of what a call has settled, and whom that leads to, and returns the next call.
func (j *job) follow(listeners *node) *node {
	switch {
	case listeners == nil:
		return nil
	case listeners.next != nil:
		j.tell(listeners)
	case listeners.self.hear(&j.delivery): // the usual link of a chain
		return listeners
	}
	j.delivery.run()
	n := j.calls.pop()
	if others := j.calls; others.first != nil {
		j.calls = queue{}
		spawn(others.first)
	}
	return n
}

// Done deals with a call that did not return, or with calls that are not going to be made.
func (j *job) Done(failure *worker.PanicError, refused error) {
	switch {
	case refused != nil:
		for n := j.current; n != nil; {
			next := n.next
			n.self.fail(&j.delivery, refused)
			n = next
		}
	case failure == nil:
		return
	case failure.Value == worker.ErrGoexit:
		j.current.self.fail(&j.delivery, worker.ErrGoexit)
	default:
		j.current.self.fail(&j.delivery, failure)
	}
	j.finish()
}

// goroutine is the job where there is no scheduler.
func (j *job) goroutine() {
	returned := false
	defer func() {
		if !returned {
			j.Done(caught(recover()), nil)
		}
	}()
	j.run(nil)
	returned = true
}

func caught(r any) *worker.PanicError {
	if r == nil {
		return &worker.PanicError{Value: worker.ErrGoexit}
	}
	if err, ok := r.(*worker.PanicError); ok {
		return err // it has the stack of where it happened
	}
	return &worker.PanicError{Value: r, Stack: debug.Stack()}
}
