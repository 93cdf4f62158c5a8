// Package park has what futures and locks are built on besides the words of internal/atom: how to wait, and how to guard
// some fields.
//
//   - Normally these are aliases, of worker.Waiter and sync.Mutex.
//   - Under the build tag mc, within an exploration, they are models of them that hand control to the explorer
//     (internal/mc). What is proved so is the protocol of a lock or a future, given that a waiter keeps its word; that it does
//     is proved where it is made.
package park
