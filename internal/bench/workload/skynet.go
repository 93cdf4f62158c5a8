package workload

import (
	"context"
	"fmt"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// skynet starts n tasks as the leaves of a tree in which each node starts ten, and adds up their numbers on the way back.
// Its goroutines are those of the original: one for each node, each with a channel.
var skynet = &bench.Workload{
	Name: "skynet", Doc: "n tasks in a tree of tens",
	Size: "n, a power of ten", Unit: "leaf", N: "1000000", SuiteN: "100000", TestN: "1000",
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 1_000_000_000)
		for m := n; err == nil && m > 1; m /= 10 {
			if m%10 != 0 {
				err = fmt.Errorf("--n %q: want a power of ten", p.N)
			}
		}
		if err != nil {
			return nil, err
		}
		return bench.Later(func() *bench.Job { return skynetJob(n) }), nil
	},
}

func skynetJob(n int) *bench.Job {
	root := branch{0, n}
	return &bench.Job{
		Tasks: int64(n),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel: number(func(ctx context.Context) (int, error) {
				return sched.Run(ctx, func(t *sched.Task) (int, error) { return branchTask(t, root), nil })
			}),
			bench.Goroutines: number(func(context.Context) (int, error) {
				sum := make(chan int)
				go root.goroutines(sum)
				return <-sum, nil
			}),
			bench.Serial: number(func(context.Context) (int, error) { return root.serial(), nil }),
		},
		Verify: bench.Answer(decimal(n * (n - 1) / 2)),
	}
}

// A branch has size leaves, which are numbered from first.
type branch struct{ first, size int }

func (b branch) child(i int) branch {
	size := b.size / 10
	return branch{b.first + i*size, size}
}

var branches = sched.NewFork[branch, int]()

func branchTask(t *sched.Task, b branch) int {
	if b.size == 1 {
		return b.first
	}
	return branchSiblings(t, b, 0)
}

// branchSiblings forks the i-th child and goes on with those after it; the last is not forked.
func branchSiblings(t *sched.Task, b branch, i int) int {
	if i == 9 {
		return branchTask(t, b.child(i))
	}
	f := branches.Fork(t, branchTask, b.child(i))
	rest := branchSiblings(t, b, i+1)
	return f.Join(t) + rest
}

func (b branch) goroutines(to chan<- int) {
	if b.size == 1 {
		to <- b.first
		return
	}
	sums := make(chan int)
	for i := range 10 {
		go b.child(i).goroutines(sums)
	}
	sum := 0
	for range 10 {
		sum += <-sums
	}
	to <- sum
}

func (b branch) serial() int {
	if b.size == 1 {
		return b.first
	}
	sum := 0
	for i := range 10 {
		sum += b.child(i).serial()
	}
	return sum
}
