// Package sched is what programs import of pinwheel: fork-join, loops, streams, tasks that wait, timers, sockets and files, all on
// workers that are pinned to cores and steal work from each other.
//
//	err := sched.For(ctx, len(px), func(i int) { px[i] = shade(i) })
//
// # The one rule
//
// Every call that starts or awaits work takes a context. Called from a plain goroutine, it submits the work to the scheduler in the
// context ([With]), or to the [Default] one, and blocks the goroutine. Called inside a task, with the task's context, it suspends
// the task, or makes it take part. A [Task] is itself a context: pass it on.
//
// # Choosing
//
// To compute:
//
//   - A slice or a range to go through: [For], [ForRange], [Map], [Reduce], [Filter], [Scan], [Find], [GroupBy]. For elements that
//     are cheaper than a call: [MapSpans], [ReduceSpans], [Sum], [PrefixSum].
//   - A slice to sort: [Sort], [SortFunc], [SortStableFunc].
//   - A sequence, a channel, or what does not fit into memory: [Stream], [Then], [ForEach], [ReduceSeq].
//   - Divide and conquer: [NewFork] (a nanosecond or two, no allocation), or [Join] with closures (one allocation).
//
// To start and wait:
//
//   - Into the scheduler from outside, and back with a result: [Run].
//   - Something to start now and await later: [Go]. Something that nobody awaits: [Submit].
//   - Several things that fail and end together: [NewGroup]; with partial results, [NewResults].
//   - Bounded, urgent, or ordered by a key: [NewQueue].
//   - Time: [Sleep], [AfterFunc], [WithTimeout]. Timers are never early, and late by a tick ([WithTick]) and what it takes to wake a
//     thread, also while all workers compute.
//   - Sockets: [Listen], [Dial], [Serve], [ServeReadable]. Files: [Open], [ReadFile].
//   - What blocks natively, and commands: [Blocking]. Locks, queues and meeting points for tasks are in package lock.
//
// # What goes wrong
//
// A panic in a task becomes a [*PanicError]. A call that returns an error returns it; a call that does not ([Join], forks) and the
// loops panic with it. runtime.Goexit in a task ends the task, with [ErrGoexit]. The number of workers stays what it was.
//
// When a context is done, what has not begun under it does not begin. What has begun is not interrupted: a long function should look
// at [worker.Task.Err] now and then, and return.
package sched
