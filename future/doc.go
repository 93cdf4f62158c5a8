// Package future has values that come later: a [Promise] is the writing end, its [Future] the reading end.
//
//   - Use [Future.Await] to wait: it suspends the calling task, or blocks the calling goroutine if it is no task's. Use
//     [Future.Done] in a select, [Future.Poll] to look.
//   - Use [Then], [Map] and [Recover] to go on with an outcome without waiting for it. In a task it is often simpler to await.
//   - Use [All] for several values, [AllSettled] for several outcomes, [Any] for the first value, [Race] for the first outcome,
//     [AsCompleted] for one after the other.
//   - Use [Timeout] for a deadline, [Future.Cancel] when a future is not needed any more, [Shield] for one that others need.
//
// sched.Go returns the future of a task's results. Other producers make a promise.
//
// # What is guaranteed
//
// A future is settled once: with a value, with an error, or by cancellation, whichever comes first, and from then on
// everybody gets the same. An outcome that is there wins over a context that is done.
//
// A derived future owns its sources: when it is cancelled, or decided without them, they are cancelled.
//
// Callbacks run as tasks of their own or on goroutines of their own, never on the stack or under the locks of who attaches
// them or settles their source (see [Then]). However long a chain of futures, settling or cancelling it does not grow the
// stack.
//
// What happened before a future was settled happens before whatever follows from it: the return of Await, the closing of Done's
// channel, a callback.
//
// A future that never is settled does not collect those who have waited for it and given up. One that is settled, by cancellation too,
// does not keep alive what it was derived from.
//
// # How it behaves at present
//
// A future is one allocation, whatever is derived from it one more. To make, resolve and await one costs about 50 ns, a link
// in a chain of Map between 40 and 100, depending on how busy the garbage collector is.
package future
