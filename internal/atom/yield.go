package atom

// Yield marks one turn of a loop that waits for another thread to change a word. It tells the core that the thread spins,
// which frees execution units for a sibling hyper-thread and lets a hypervisor notice the wait. It gives up neither the
// thread nor the P, and costs some tens of nanoseconds.
//
// The explorer takes a Yield to mean that the thread has no use for its turn until another one has written something.
func Yield() { pause() }
