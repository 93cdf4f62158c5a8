//go:build unix

package sched_test

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/pinwheel-sched/pinwheel/sched"
)

// A command that a task starts. The task is suspended meanwhile, and the command may use every CPU, not just the worker's.
func ExampleBlocking_command() {
	out, err := sched.Run(context.Background(), func(t *sched.Task) ([]byte, error) {
		return sched.Blocking(t, exec.CommandContext(t, "echo", "done").Output)
	})
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// done
	// <nil>
}
