// Package timer is a hierarchical timer wheel, sharded so that workers do not contend, and timers on top of it that keep the
// promises of package time: [Timer], [Ticker] and sleeping.
//
// A [Wheels] has a shard for each worker and one for everybody else. Starting or stopping a timer takes constant time,
// whatever the number of pending timers, and allocates nothing.
//
// # What is guaranteed
//
//   - A timer never fires early. It becomes due at most one tick and 8 us after its time, and fires when its shard is next
//     polled.
//   - Any duration will do. Zero and less are due at once. A deadline beyond the end of the clock, 292 years after the start
//     of the process, never comes.
//   - After Stop or Reset has returned, no value or call of the earlier setting follows, except one that had already been
//     handed over, and then Stop and Reset said so by returning false.
//   - Callbacks run where Config.Run puts them and not on the driver, so a slow one delays no timer.
//   - Memory does not depend on how many timers have been stopped. A shard refers to at most 16 of them, until others are
//     stopped or its worker rests, and to none if it has no timers left.
//
// # Who drives it
//
// Nothing here starts by itself. Shards are polled:
//
//   - by their workers, between tasks and before they park: [Shard.Poll];
//   - by whoever waits on behalf of all: a poller, which puts [Wheels.Next] into its timeout and then calls [Wheels.Poll],
//     or a [Driver], which is a thread that does just that.
//
// # How it behaves at present
//
// The clock is monotonic and stands still while the machine is suspended. Timers of one tick fire in the order in which they were
// started if they have gone through the same levels of the wheel; do not rely on it.
package timer
