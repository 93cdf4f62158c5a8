// Package atom holds the words that the protocols of this module are made of: the shared integers, flags and pointers
// through which threads race, the futex they sleep on, the pause between two looks, and the clock of a bounded wait.
//
// Every protocol that is proved by the interleaving explorer (internal/mc) uses these types instead of those of
// sync/atomic. There is no third kind of access to a shared word, so what the explorer sees is everything there is.
//
//   - Normally the types are aliases of the sync/atomic types. An alias is the same type: the compiler's intrinsics apply,
//     and a Load is one plain load, as before.
//   - Under the build tag mc they have the same methods, and each one hands control to the explorer before it acts, so
//     that any other thread may run there. Outside an exploration they act at once, which lets ordinary tests run in the
//     same build.
//
// Go's atomics are sequentially consistent. So an execution is an interleaving of the operations of this package, and the
// explorer need not model store buffers or reordering. Whoever uses these words therefore argues about the order of
// operations in each thread, never about fences.
//
// # Waiting
//
// [FutexWait] sleeps while a word holds an expected value and [FutexWake] ends such sleeps. Waiting is advisory: a wait may
// return for no reason. The caller's loop decides, and looks at the word again:
//
//	for word.Load() == parked {
//		atom.FutexWait(&word, parked, -1)
//	}
//
// The one guarantee is the one that matters: comparing the word and going to sleep is a single step with respect to
// FutexWake, so a thread that changes the word and then calls FutexWake either is seen by the comparison or wakes the
// sleeper.
package atom
