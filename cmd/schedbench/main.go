// Schedbench measures pinwheel against goroutines and serial code, on the same work, with every answer verified.
//
//	schedbench                        the default suite on this machine, in under a minute
//	schedbench list                   the workloads
//	schedbench run WORKLOAD...        some of them, with sizes, runtimes and workers of choice
//	schedbench compare OLD NEW        what changed between two files written with --json
//	schedbench env                    the settings in force and where they come from
//	schedbench version
//	schedbench completion SHELL
//
// The exit status is 0 if everything ran and every answer was right, 1 if a run failed or an answer was wrong, 2 if the command line or the
// environment was, 3 if compare found a regression, and 130 after an interruption, when what was finished is printed.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interruption ends the program at once
	os.Exit(newProgram(os.Stdout, os.Stderr).main(ctx, os.Args[1:]))
}
