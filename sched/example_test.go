package sched_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/lock"
	"github.com/pinwheel-sched/pinwheel/sched"
)

func ExampleFor() {
	squares := make([]int, 5)
	err := sched.For(context.Background(), len(squares), func(i int) { squares[i] = i * i })
	fmt.Println(squares, err)
	// Output: [0 1 4 9 16] <nil>
}

func ExampleForRange() {
	xs := make([]float64, 1000)
	err := sched.ForRange(context.Background(), len(xs), func(_ *sched.Task, lo, hi int) {
		for i := lo; i < hi; i++ {
			xs[i] = 1
		}
	})
	fmt.Println(xs[0], xs[999], err)
	// Output: 1 1 <nil>
}

func ExampleMap() {
	words := []string{"deque", "fiber", "wheel"}
	upper, err := sched.Map(context.Background(), words, func(_ *sched.Task, w string) (string, error) {
		return strings.ToUpper(w), nil
	})
	fmt.Println(upper, err)
	// Output: [DEQUE FIBER WHEEL] <nil>
}

func ExampleMap_error() {
	_, err := sched.Map(context.Background(), []int{1, 0, 2, 0}, func(_ *sched.Task, x int) (int, error) {
		if x == 0 {
			return 0, errors.New("division by zero")
		}
		return 10 / x, nil
	})
	fmt.Println(err)
	// Output: division by zero
}

func ExampleReduce() {
	xs := []int{3, 1, 4, 1, 5, 9, 2, 6}
	longest := func(a, b int) int { return max(a, b) }
	m, err := sched.Reduce(context.Background(), xs, 0, longest, longest)
	fmt.Println(m, err)
	// Output: 9 <nil>
}

func ExampleRun() {
	sum, err := sched.Run(context.Background(), func(t *sched.Task) (int, error) {
		left, right := sched.Join(t,
			func(*sched.Task) int { return 1 + 2 },
			func(*sched.Task) int { return 3 + 4 })
		return left + right, nil
	})
	fmt.Println(sum, err)
	// Output: 10 <nil>
}

func ExampleRun_panic() {
	_, err := sched.Run(context.Background(), func(*sched.Task) (int, error) { panic("out of cheese") })
	var p *sched.PanicError
	fmt.Println(errors.As(err, &p), p.Value)
	// Output: true out of cheese
}

func ExampleGo() {
	ctx := context.Background()
	f := sched.Go(ctx, func(*sched.Task) (string, error) { return "done", nil })
	s, err := f.Await(ctx)
	fmt.Println(s, err)
	// Output: done <nil>
}

func ExampleSubmit() {
	ctx := context.Background()
	var all lock.WaitGroup
	var sum atomic.Int64
	for i := range 100 {
		all.Add(1)
		err := sched.Submit(ctx, func() {
			defer all.Done()
			sum.Add(int64(i))
		})
		if err != nil {
			fmt.Println(err) // then it is not called
			all.Done()
		}
	}
	err := all.Wait(ctx)
	fmt.Println(sum.Load(), err)
	// Output: 4950 <nil>
}

var sums = sched.NewFork[[]int, int]()

func sum(t *sched.Task, xs []int) int {
	if len(xs) == 1 {
		return xs[0]
	}
	left := sums.Fork(t, sum, xs[:len(xs)/2])
	right := sum(t, xs[len(xs)/2:])
	return left.Join(t) + right
}

func ExampleNewFork() {
	total, err := sched.Run(context.Background(), func(t *sched.Task) (int, error) {
		return sum(t, []int{1, 2, 3, 4, 5, 6, 7}), nil
	})
	fmt.Println(total, err)
	// Output: 28 <nil>
}

func ExampleJoin() {
	text := "the quick brown fox"
	_, err := sched.Run(context.Background(), func(t *sched.Task) (int, error) {
		words, letters := sched.Join(t,
			func(*sched.Task) int { return len(strings.Fields(text)) },
			func(*sched.Task) int { return len(strings.ReplaceAll(text, " ", "")) })
		fmt.Println(words, letters)
		return 0, nil
	})
	fmt.Println(err)
	// Output:
	// 4 16
	// <nil>
}

func ExampleNew() {
	s, err := sched.New(sched.WithoutEnvironment(), sched.WithWorkers(2), sched.WithAffinity(affinity.None))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Shutdown(context.Background()) }()
	ctx := sched.With(context.Background(), s)
	n, err := sched.Run(ctx, func(*sched.Task) (int, error) { return s.Workers(), nil })
	fmt.Println(n, err)
	// Output: 2 <nil>
}

func ExampleNew_error() {
	_, err := sched.New(sched.WithoutEnvironment(), sched.WithWorkers(0))
	fmt.Println(err)
	// Output: pinwheel: WithWorkers(0): want a number from 1 to 4096
}

func ExampleScheduler_Close() {
	s, err := sched.New(sched.WithoutEnvironment())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := sched.With(context.Background(), s)
	fmt.Println(s.Close())
	_, err = sched.Run(ctx, func(*sched.Task) (int, error) { return 0, nil })
	fmt.Println(err)
	// Output:
	// <nil>
	// pinwheel: scheduler closed
}

type node struct {
	left, right *node
	value       int
}

type outcome struct {
	sum int
	err error
}

var outcomes = sched.NewFork[*node, outcome]()

func sumOf(t *sched.Task, n *node) outcome {
	if n == nil {
		return outcome{}
	}
	if err := t.Err(); err != nil { // the task is cancelled: go no deeper
		return outcome{err: err}
	}
	if n.value < 0 {
		return outcome{err: fmt.Errorf("%d is negative", n.value)}
	}
	l, r := outcomes.Join2(t, sumOf, n.left, n.right)
	return outcome{n.value + l.sum + r.sum, errors.Join(l.err, r.err)}
}

// A fork has no error besides its result: let the result have one. What is under way looks at the task to learn that it is
// cancelled.
func ExampleNewFork_error() {
	sum := func(ctx context.Context, tree *node) (int, error) {
		return sched.Run(ctx, func(t *sched.Task) (int, error) {
			o := sumOf(t, tree)
			return o.sum, o.err
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	fmt.Println(sum(ctx, &node{&node{value: 1}, &node{value: 2}, 3}))
	_, err := sum(ctx, &node{&node{value: 1}, &node{value: -2}, 3})
	fmt.Println(err)
	cancel()
	_, err = sum(ctx, &node{&node{value: 1}, &node{value: 2}, 3})
	fmt.Println(err)
	// Output:
	// 6 <nil>
	// -2 is negative
	// context canceled
}

// A task that must wait for a channel does so off its worker, which runs other tasks meanwhile.
func ExampleBlocking() {
	answers := make(chan string)
	go func() { answers <- "forty-two" }()
	answer, err := sched.Run(context.Background(), func(t *sched.Task) (string, error) {
		return sched.Blocking(t, func() (string, error) { return <-answers, nil })
	})
	fmt.Println(answer, err)
	// Output: forty-two <nil>
}

// A long computation without forks lets others have a turn now and then.
func ExampleYield() {
	sum, err := sched.Run(context.Background(), func(t *sched.Task) (int, error) {
		sum := 0
		for i := range 100_000 {
			sum += i % 7
			if i%1000 == 0 {
				sched.Yield(t)
			}
		}
		return sum, nil
	})
	fmt.Println(sum, err)
	// Output: 299995 <nil>
}

// Shutdown lets tasks that were started come to their end.
func ExampleScheduler_Shutdown() {
	s, err := sched.New(sched.WithoutEnvironment(), sched.WithWorkers(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	f := sched.Go(sched.With(ctx, s), func(t *sched.Task) (string, error) {
		return "finished", sched.Sleep(t, time.Millisecond)
	})
	fmt.Println(s.Shutdown(ctx))
	text, err := f.Await(ctx)
	fmt.Println(text, err)
	// Output:
	// <nil>
	// finished <nil>
}

// Without a handler, a panic of what AfterFunc calls ends the process.
func ExampleWithPanicHandler() {
	caught := make(chan any)
	s, err := sched.New(sched.WithoutEnvironment(), sched.WithPanicHandler(func(p *sched.PanicError) { caught <- p.Value }))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	sched.AfterFunc(sched.With(context.Background(), s), 0, func() { panic("too late") })
	fmt.Println(<-caught)
	// Output: too late
}
