// Package worker has the pool of workers that everything else stands on: threads that are pinned to CPUs, fibers on which
// tasks run, fork stacks, the steal loop, and the protocol by which workers park and are woken.
//
// Programs use package sched, which wraps it; future, lock and the like use its [Waiter].
//
// # Concepts
//
//   - A worker is a goroutine that is locked to a thread, which is pinned to a CPU. It owns a deque that others steal from.
//   - A fiber is a stack on which tasks run: a coroutine of its worker. A task that waits suspends its fiber, and the worker
//     resumes another. A fiber never leaves its worker; tasks that have not begun do, by being stolen.
//   - A guest is a goroutine from outside that runs its own task while it waits for it, and may be stolen from.
//   - A fork stack holds a fiber's outstanding forks. They are private until they are exposed: put into the deque.
//   - A job is what deques and the injector hold: a fork, or a root task that came from outside.
//
// # Where things are
//
//	fork.go      Fork and Join, the fast paths, and how a stolen fork is run
//	stack.go     the fork stack: segments, exposure, reclaiming, what a panic left behind
//	job.go       the states of a slot and who may change them
//	fiber.go     suspending and resuming, safe points, Goexit
//	worker.go    the trunk that resumes fibers
//	search.go    what a worker does next
//	idle.go      parking and waking: the two recipes, and why no wake is lost
//	loop.go      the event loop, as far as workers turn it
//	inject.go    the queue of work from outside
//	guest.go     callers that take part
//	claim.go     callers that take over what they have submitted
//	late.go      when they need wake nobody for it
//	sequence.go  pools without workers
//	standin.go   who stands in for a worker that is blocked natively
//	stall.go     reports of workers that are stuck
//	waiter.go    the parking primitive of everything that waits
//	watch.go     how waits end with the context that a task was started with
//	current.go   which task runs here
//	pool.go      starting and closing
//	resize.go    more workers, fewer, and elsewhere
//	victims.go   stealing, nearest first
//	stats.go     what is counted, and snapshot.go what becomes of it
//	trace.go     what is recorded on demand
package worker
