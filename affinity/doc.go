// Package affinity knows the machine: which CPUs the process may use, how they share cores, caches and memory, how much of
// them a cgroup grants, where a given number of workers should sit, and how far one CPU is from another. It pins threads.
//
// Facts come from three places, each of which may be missing or wrong:
//
//   - the affinity mask of the kernel ([Allowed], [Current], [Pin], [PinSet]);
//   - sysfs, read through an [io/fs.FS] so that another machine's tree can be read instead ([Read], [WithRoot], [WithFS]);
//   - the cgroup, of version 1, 2 or both at once ([ReadLimits], [DefaultWorkers]).
//
// Reading never panics and never fails for the content of a file: what is missing, malformed or contradictory is left out, and
// the answer becomes a smaller one (one package, one node, no shared cache, no quota; at the very least one CPU).
// [Topology.Notes] says what was left out and why.
//
// Linux is the real target. On every other system, and on Linux under the build tag pinwheel_portable, the same functions
// exist: the allowed CPUs are 0 to [runtime.NumCPU]-1, every CPU is a core of its own in one package, and pinning
// returns [ErrUnsupported]. Trees given by [WithRoot] and [WithFS] are read on every system.
//
// Nothing happens at import.
package affinity
