// Package lock has locks, queues and meeting points that suspend tasks instead of blocking their workers, and that tasks and
// plain goroutines can share in any mixture.
//
//   - Use [Mutex] and [RWMutex] to guard data, above all where the holder may itself wait.
//   - Use [Semaphore] to bound how much of something is used at once.
//   - Use [WaitGroup] to wait for things to end, [Latch] if they are counted beforehand, [Barrier] for rounds.
//   - Use [Once] and [OnceValue] for what is to be done once, on first use.
//   - Use [Cond] to wait for a predicate over guarded data, [Notify] to be told that something has changed.
//   - Use [Watch] for the latest value, [Broadcast] for every value to everyone, [Queue] for every value to someone: it is the
//     channel of tasks.
//
// # What is guaranteed
//
// Whatever waits takes a context, and returns its error if it is done, or the scheduler closed, before the wait has ended. A
// call that returns an error has changed nothing. What is to be had without waiting is given even under a context that is
// done: looking would cost more than the lock. Use the context's Err where it matters.
//
// A waiter that gives up does not keep what was meant for it: that goes to the next. Every waiter gets its turn in the end.
//
// What happened before the call that lets another proceed (Unlock, Release, Done, Send, ...) happens before the return of the
// call that proceeds.
//
// None of the types may be copied after first use. Zero values are ready for use.
//
// # How it behaves at present
//
// All but [Mutex] serve waiters strictly in the order of their arrival. A call that finds no rival costs one or two
// compare-and-swaps; one that waits, an allocation of some 100 bytes and a switch of fibers.
//
// Tasks that wait natively for what a task holds (a sync.Mutex around one of these locks, for example) block their workers,
// and may so keep the holder from going on.
package lock
