// Schedbench measures pinwheel against goroutines and serial code, on the same work, with every answer verified.
//
//	schedbench                        the default suite on this machine, in under a minute
//	schedbench list                   the workloads
//	schedbench run WORKLOAD...        some of them, with sizes, runtimes and workers of choice
//	schedbench compare OLD NEW        what changed between two files written with --json
//	schedbench topo                   the topology, the limits found, and where workers go
//	schedbench sim                    near against random victims, simulated on large machines
//	schedbench env                    the settings in force and where they come from
//	schedbench version
//	schedbench completion SHELL
//
// The exit status is 0 if everything ran and every answer was right, 1 if a run failed or an answer was wrong, 2 if the
// command line or the environment was, 3 if compare found a regression, and 130 after an interruption, when what was
// finished is printed.
//
// # What is measured
//
// The runtimes of a workload take turns, A B A B, so that a machine that drifts slows all of them. Each run of pinwheel has
// a scheduler of its own, which has been at work before the clock starts; goroutines run with GOMAXPROCS set to the number
// of workers, serial code with what it was. A run that is over within 20 ms is repeated for that long, and its wall time
// is that of the median repetition; that of a run of pairs is its median pair. median_ns is the median of the runs' wall
// times, ns_per_task that over tasks.
//
// The metrics are medians over the runs:
//
//	speedup             serial time over this one, if serial ran too
//	ideal_speedup       files: workers / CPUs that serial code keeps busy, since the garbage collector runs beside it
//	limit_speedup       reduce, scan, map, filter: serial time over probe_ns
//	probe_ns            time in which as many goroutines as there are workers move the bytes that the work has to, without the work
//	allocs_per_task     allocations of the process
//	bytes_per_task      bytes allocated by the process
//	cpu_fraction        CPU time of the process over wall time, while the clock ran: how many CPUs it kept busy
//	cpu_busy            files: the same, over workers
//	mb_per_s            files: source text, in 10^6 bytes; it is in the page cache when the clock starts
//	occupancy           files: the share of the workers' time in which they had a file in hand
//	p50_ns, p99_ns, mean_ns   pairs: over the pairs of a run
//	rps                 echo: requests answered in a second; there p50_ns and p99_ns are over the requests
//
// For the pairs, cpu_fraction leaves out what the tasks compute, which is the median time of a task times their number. It is
// what starting and stopping costs: waking, spinning, parking. cpu_fraction_total has all of it. The serial row shows what
// waiting for the next pair costs by itself.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/pinwheel-sched/pinwheel/internal/bench/workload"
)

func main() {
	workload.Child()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interruption ends the program at once
	os.Exit(newProgram(os.Stdout, os.Stderr).main(ctx, os.Args[1:]))
}
