package sched_test

import (
	"context"
	"fmt"

	"github.com/pinwheel-sched/pinwheel/sched"
)

func Example_readme() {
	binary := make([]string, 100_000)
	err := sched.For(context.Background(), len(binary), func(i int) {
		binary[i] = fmt.Sprintf("%b", i) // as many at a time as there are cores
	})
	fmt.Println(binary[42], err)
	// Output: 101010 <nil>
}
