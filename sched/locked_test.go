package sched

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

const lockedChild = "PINWHEEL_TEST_LOCKED_CHILD"

// A task that leaves runtime.LockOSThread in force cannot be had back: the runtime ends the process at the next switch between
// fibers, and says why. This is the documented limit; should a later Go lift it, this test tells.
func TestATaskThatLeavesItsThreadLockedEndsTheProcess(t *testing.T) {
	if os.Getenv(lockedChild) != "" {
		_, ctx := newScheduler(t, WithWorkers(1))
		_, err := Go(ctx, func(t *Task) (int, error) {
			runtime.LockOSThread()
			_, err := Go(t, func(*Task) (int, error) { return 1, nil }).Await(t) // a switch
			return 0, err
		}).Await(ctx)
		t.Log("it went well:", err)
		return
	}
	child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	child.Env = append(os.Environ(), lockedChild+"=1")
	out, err := child.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(string(out), "OS thread locking must match") {
		t.Errorf("%v\n%s", err, out)
	}
}

// One that unlocks it before it waits does no harm.
func TestATaskMayLockItsThreadWhileItDoesNotWait(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	for range 10 {
		n, err := Go(ctx, func(t *Task) (int, error) {
			runtime.LockOSThread()
			n := 20
			runtime.UnlockOSThread()
			return Go(t, func(t *Task) (int, error) { return fib(t, n), nil }).Await(t)
		}).Await(ctx)
		if n != 6765 || err != nil {
			t.Fatal(n, err)
		}
	}
}
