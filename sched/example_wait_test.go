package sched_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// The first failure cancels the other tasks of a group, and is what Wait returns.
func ExampleNewGroup() {
	g := sched.NewGroup(context.Background())
	g.SetLimit(8)
	for i := range 3 {
		g.Go(func(t *sched.Task) error {
			if i == 1 {
				return fmt.Errorf("page %d is missing", i)
			}
			return sched.Sleep(t, time.Hour) // ends with the group's context
		})
	}
	fmt.Println(g.Wait())
	// Output: page 1 is missing
}

// The same question to two servers: the first answer counts, and the other task is called off.
func ExampleResults() {
	r := sched.NewResults[string](context.Background(), sched.FirstSuccess())
	r.Go(func(t *sched.Task) (string, error) { return "from afar", sched.Sleep(t, time.Hour) })
	r.Go(func(*sched.Task) (string, error) { return "from nearby", nil })
	results, err := r.Wait()
	fmt.Println(results[1].Value, err)
	fmt.Println(errors.Is(results[0].Err, context.Canceled))
	// Output:
	// from nearby <nil>
	// true
}

// At most ten tasks wait at any time: a submitter that is ahead of the workers waits for room.
func ExampleQueue() {
	ctx := context.Background()
	q, err := sched.NewQueue(ctx, sched.Capacity(10, sched.Block))
	if err != nil {
		panic(err)
	}
	var squares []*future.Future[int]
	for i := range 100 {
		squares = append(squares, sched.GoIn(ctx, q, func(*sched.Task) (int, error) { return i * i, nil }))
	}
	all, err := future.All(squares...).Await(ctx)
	fmt.Println(all[99], q.Len(), err)
	// Output: 9801 0 <nil>
}

// Messages of one customer are dealt with in order, those of different customers at the same time.
func ExampleGoKeyed() {
	ctx := context.Background()
	q, err := sched.NewQueue(ctx)
	if err != nil {
		panic(err)
	}
	var ann, bob []int
	var all []*future.Future[int]
	for i := range 3 {
		all = append(
			all,
			sched.GoKeyed(ctx, q, "ann", func(*sched.Task) (int, error) { ann = append(ann, i); return 0, nil }),
			sched.GoKeyed(ctx, q, "bob", func(*sched.Task) (int, error) { bob = append(bob, i); return 0, nil }),
		)
	}
	_, err = future.All(all...).Await(ctx)
	fmt.Println(ann, bob, err)
	// Output: [0 1 2] [0 1 2] <nil>
}

// Tasks run one after the other, always in this order.
func ExampleSequential() {
	ctx := sched.With(context.Background(), sched.Sequential())
	_, err := sched.Run(ctx, func(t *sched.Task) (int, error) {
		child := sched.Go(t, func(*sched.Task) (int, error) { fmt.Println("child"); return 1, nil })
		fmt.Println("parent")
		n, err := child.Await(t)
		fmt.Println("parent again")
		return n, err
	})
	fmt.Println(err)
	// Output:
	// parent
	// child
	// parent again
	// <nil>
}

// When a program stands still, the dump says what its tasks wait for.
func ExampleScheduler_Dump() {
	s, err := sched.New(sched.WithWorkers(1))
	if err != nil {
		panic(err)
	}
	never := future.NewPromise[int]()
	f := sched.Go(sched.With(context.Background(), s), func(t *sched.Task) (int, error) { return never.Future().Await(t) })
	var text strings.Builder
	for !strings.Contains(text.String(), "waits for") { // it is about to
		text.Reset()
		if err := s.Dump(&text); err != nil {
			panic(err)
		}
	}
	fmt.Println(strings.Contains(text.String(), "waits for a future"))
	if err := s.Close(); err != nil { // cancels it
		panic(err)
	}
	_, err = f.Await(context.Background())
	fmt.Println(errors.Is(err, context.Canceled))
	// Output:
	// true
	// true
}

func ExampleFirstSuccess() {
	g := sched.NewGroup(context.Background(), sched.FirstSuccess())
	g.Go(func(*sched.Task) error { return errors.New("the mirror is down") })
	g.Go(func(t *sched.Task) error { return sched.Sleep(t, time.Hour) }) // called off by the next one
	g.Go(func(*sched.Task) error { return nil })
	fmt.Println(g.Wait())
	// Output: <nil>
}

// All tasks come to their end, whatever becomes of the others, and all errors are returned.
func ExampleAllSettle() {
	g := sched.NewGroup(context.Background(), sched.AllSettle())
	for i := range 4 {
		g.Go(func(*sched.Task) error {
			if i%2 == 1 {
				return errors.New("page is missing")
			}
			return nil
		})
	}
	fmt.Println(g.Wait())
	// Output:
	// page is missing
	// page is missing
}

// What is there at a deadline is not lost: each task has a result of its own.
func ExampleNewResults() {
	ctx, deadline := context.WithCancel(context.Background()) // usually sched.WithTimeout
	r := sched.NewResults[string](ctx, sched.AllSettle())
	r.Go(func(*sched.Task) (string, error) { deadline(); return "in time", nil })
	r.Go(func(t *sched.Task) (string, error) { return "too late", sched.Sleep(t, time.Hour) })
	results, err := r.Wait()
	fmt.Println(results[0].Value, results[0].Err)
	fmt.Println(results[1].Err)
	fmt.Println(err)
	// Output:
	// in time <nil>
	// context canceled
	// context canceled
}
