//go:build mc

package lock

import (
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/mc/mutant"
)

// Every line on which the passing on of wakes rests is broken once, and the explorer must notice.
func TestMutantsAreFound(t *testing.T) {
	mutant.Check(t, "mc", "^TestExplore", []mutant.Mutant{
		{
			Name: "wake of a mutex lost with the waiter that gave up", File: "mutex.go",
			Old: "for w != nil && !w.Wake() {",
			New: "for w != nil && !w.Wake() && false {",
		},
		{
			Name: "mutex queued for without looking again", File: "mutex.go",
			Old: "\t\t\treturn false\n\t\t}\n\t\tif m.state.CompareAndSwap(s, (s|mutexQueued)&^woken) {",
			New: "\t\t}\n\t\tif m.state.CompareAndSwap(s, (s|mutexQueued)&^woken) {",
		},
		{
			// It is in the way of nobody: the Unlock that finds it passes on. It would be kept from the garbage collector.
			Name: "cancelled waiter left in the mutex's queue", File: "mutex.go", Harmless: true,
			Old: "\tif m.queue.remove(w) {\n\t\tm.queued--",
			New: "\tif false {\n\t\tm.queued--",
		},
		{
			Name: "queue bit of the mutex cleared too early", File: "mutex.go",
			Old: "\t\tif m.queue.empty() {\n\t\t\ts &^= mutexQueued",
			New: "\t\tif true {\n\t\t\ts &^= mutexQueued",
		},
		{
			Name: "cancelled writer does not let the next in", File: "rwmutex.go",
			Old: "\t\trw.grant() // if it was the first",
			New: "\t\t// if it was the first",
		},
		{
			Name: "write lock given to a writer that gave up", File: "rwmutex.go",
			Old: "\t\t\tif w.Wake() {\n\t\t\t\tbreak\n\t\t\t}",
			New: "\t\t\tif w.Wake() || true {\n\t\t\t\tbreak\n\t\t\t}",
		},
		{
			Name: "writer let in beside readers", File: "rwmutex.go",
			Old: "\t\t\tif rw.state.Load() != rwQueued {",
			New: "\t\t\tif rw.state.Load()&rwWriter != 0 {",
		},
		{
			Name: "cancelled request does not let the next in", File: "semaphore.go",
			Old: "\t\ts.grant() // if it was the first",
			New: "\t\t// if it was the first",
		},
		{
			Name: "notification given to a waiter that gave up", File: "wait.go",
			Old: "\t\tif w.Wake() {\n\t\t\treturn true",
			New: "\t\tif w.Wake() || true {\n\t\t\treturn true",
		},
		{
			Name: "cancelled party still counts", File: "barrier.go",
			Old: "\t\tb.arrived--",
			New: "",
		},
		{
			Name: "waiter for zero arrives outside the guard", File: "count.go",
			Old: "\t\tif c.state.CompareAndSwap(s, s|1) {",
			New: "\t\tif c.state.Load() != 1 {",
		},
		{
			Name: "element promised to a receiver that gave up", File: "queue.go",
			Old: "\t\tif q.receivers.pop().Wake() {",
			New: "\t\tif q.receivers.pop().Wake() || true {",
		},
		{
			Name: "slot reserved for a sender that gave up", File: "queue.go",
			Old: "\t\tif q.senders.pop().Wake() {",
			New: "\t\tif q.senders.pop().Wake() || true {",
		},
		{
			Name: "receivers not told that the queue is closed", File: "queue.go",
			Old: "\tif q.drained() {\n\t\trefuseAll(",
			New: "\tif q.drained() && false {\n\t\trefuseAll(",
		},
	})
}
