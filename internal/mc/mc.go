// Package mc explores how threads can interleave. It runs a small harness again and again, each time in another order,
// until it has seen every order within a bound, and reports the first one in which the harness fails.
//
// The code under test is the code that ships. Under the build tag mc, the words of internal/atom hand control to this
// package before each operation, and futex waits, wakes, yields and the clock go through it as well. What lies between two
// such operations runs undivided. Since Go's atomics are sequentially consistent, nothing else can be observed by
// another thread, provided that plain accesses do not race, and that is the race detector's business.
//
//	func TestExploreHandOff(t *testing.T) {
//		mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
//			var flag atom.Uint32
//			r.Go("setter", func() { flag.Store(1); atom.FutexWake(&flag, 1) })
//			r.Go("waiter", func() {
//				for flag.Load() == 0 {
//					atom.FutexWait(&flag, 0, -1)
//				}
//			})
//		})
//	}
//
// # What counts as a failure
//
//   - a thread panics, or calls [Run.Fatalf], or the check given to [Run.Finally] does;
//   - deadlock: threads sleep, and nobody is left to wake them. This is what a lost wake-up looks like;
//   - livelock: a run takes more than [Config.Steps] operations.
//
// A failure comes with the trace of the run, and with its schedule: the list of the ids of the threads in the order in
// which they took their turns. The schedule replays the run ([Config.Replay], or the variable MC_REPLAY).
//
// # How it searches
//
// Threads are coroutines (iter.Pull), one of which runs at a time, so a run is deterministic. The search is depth-first over
// the points where another thread could have been given the turn, bounded by the number of preemptions, that is, of turns
// taken from a thread that could have gone on. Turns that a thread gives up, because it sleeps, yields or ends, are free,
// and every continuation is tried. Most errors need one or two preemptions (Musuvathi and Qadeer, "Iterative context bounding
// for systematic testing of multithreaded programs", PLDI 2007); the bounds 0, 1, 2, ... are searched in turn, so that the
// failure reported is one with the fewest. Larger bounds are sampled: runs with one preemption more
// ([Config.Sampled]), and random walks.
//
// Waiting is modelled thus:
//
//   - A yield says that the thread spins: it is passed over until another thread has changed a word, or nobody else can run,
//     or a preemption is spent on it. So spinning loops end, and their fair runs are all explored.
//   - A futex wait compares and sleeps in one step. A wake takes the sleepers in order of arrival. Up to [Config.Spurious]
//     sleeps in a run end for no reason.
//   - A wait with a timeout may run out at any time at the price of a preemption, and runs out for nothing if nobody else can
//     run. The clock stands still otherwise.
//
// # What a harness must heed
//
// It must be deterministic: no map iteration, random numbers or real time that decide anything, no goroutines, and nothing
// native that blocks. Data that threads share must be words of internal/atom or be protected by them; what only the harness
// itself uses to keep its books may be plain, because threads take turns. Code that recovers from panics must end soon
// after, since a panic is how a run that is over unwinds its threads.
package mc
