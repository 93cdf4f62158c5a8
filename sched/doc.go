// Package sched is pinwheel as programs use it: fork-join, loops and tasks on workers that are pinned to cores and steal from
// each other.
//
//	err := sched.For(ctx, len(px), func(i int) { px[i] = shade(i) })
//
// # The one rule
//
// Every call that starts or awaits work takes a context. From a plain goroutine it submits to the scheduler in the context
// ([With]), or to the [Default] one, and blocks. Inside a task, with the task's context, it runs in place and suspends the task.
// A [Task] is itself a context.
//
// # Choosing
//
//   - A slice or a range to go through: [For], [ForRange], [Map], [Reduce], [Filter], [Scan], [Find], [GroupBy].
//   - A slice to sort: [Sort], [SortFunc], [SortStableFunc].
//   - A sequence, a channel, or what does not fit into memory: [Stream], [Then], [ForEach], [ReduceSeq].
//   - Divide and conquer: [NewFork] (a nanosecond or two, no allocation), or [Join] with closures (one allocation).
//   - Something to start now and await later: [Go].
//   - Into the scheduler from outside, and back with a result: [Run].
//
// # What goes wrong
//
// A panic in a task becomes a [*PanicError]. What returns an error returns it; what does not ([Join], loops, forks) panics
// with it. runtime.Goexit in a task ends the task, with [ErrGoexit]. The number of workers stays what it was.
package sched
