package sched_test

import (
	"context"
	"fmt"

	"github.com/pinwheel-sched/pinwheel/sched"
)

var fibs = sched.NewFork[int, int]()

func fib(t *sched.Task, n int) int {
	if n < 2 {
		return n
	}
	f := fibs.Fork(t, fib, n-1) // an idle core may steal this
	y := fib(t, n-2)
	return f.Join(t) + y
}

func Example_readme() {
	x, err := sched.Run(context.Background(), func(t *sched.Task) (int, error) { return fib(t, 30), nil })
	fmt.Println(x, err)
	// Output: 832040 <nil>
}
