package deque_test

import (
	"fmt"
	"sync"

	"github.com/pinwheel-sched/pinwheel/deque"
)

func Example() {
	owner, thief := deque.New[string](8)
	for _, task := range []string{"first", "second", "third"} {
		owner.Push(&task)
	}
	fmt.Println("popped:", *owner.Pop())
	if task, status := thief.Steal(); status == deque.OK {
		fmt.Println("stolen:", *task)
	}
	fmt.Println("left:", owner.Len())
	// Output:
	// popped: third
	// stolen: first
	// left: 1
}

// A thief that has lost a race tries again, or goes to another deque; on Empty it looks elsewhere.
func ExampleThief_Steal() {
	owner, thief := deque.New[int](8)
	for i := range 100 {
		owner.Push(&i)
	}
	var thieves sync.WaitGroup
	sums := make([]int, 4)
	for i := range sums {
		thieves.Go(func() {
			for {
				switch n, status := thief.Steal(); status {
				case deque.OK:
					sums[i] += *n
				case deque.Empty:
					return
				case deque.Lost:
				}
			}
		})
	}
	thieves.Wait()
	fmt.Println(sums[0] + sums[1] + sums[2] + sums[3])
	// Output: 4950
}
