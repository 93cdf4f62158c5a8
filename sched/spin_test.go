package sched

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// A task that waits for another one to add a page of results is no obstacle to the garbage collector, for which the other one may wait,
// in a program that does without asynchronous preemption either.
func TestAWaitForAPageOfResultsLetsTheCollectorBegin(t *testing.T) {
	const debug = "GODEBUG=asyncpreemptoff=1"
	if os.Getenv("GODEBUG") != debug[len("GODEBUG="):] {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), debug)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	o, first := newOutlet[int](nil)
	first.taken.Store(uint32(len(first.cells))) // the last ticket has been taken, and no page been added
	var at atom.Pointer[results[int]]
	go func() {
		p, _ := o.ticket()
		at.Store(p)
	}()
	for int(first.taken.Load()) == len(first.cells) {
		runtime.Gosched()
	}
	for range 10 {
		runtime.GC()
	}
	second := first.follow(1)
	o.tail.Store(second)
	for begun := time.Now(); at.Load() != second; runtime.Gosched() {
		if time.Since(begun) > patience {
			t.Fatal("nobody has noticed the new page")
		}
	}
}
