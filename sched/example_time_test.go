package sched_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pinwheel-sched/pinwheel/sched"
)

// A task that sleeps leaves its worker to others: a hundred of them are over in the time of one.
func ExampleSleep() {
	g := sched.NewGroup(context.Background())
	start := time.Now()
	for range 100 {
		g.Go(func(t *sched.Task) error { return sched.Sleep(t, 10*time.Millisecond) })
	}
	err := g.Wait()
	took := time.Since(start)
	fmt.Println(err, took >= 10*time.Millisecond)
	// Output: <nil> true
}

func ExampleSleep_cancelled() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	err := sched.Sleep(ctx, time.Hour)
	fmt.Println(err, errors.Is(err, context.DeadlineExceeded))
	// Output: context deadline exceeded true
}

func ExampleAfterFunc() {
	ctx := context.Background()
	done := make(chan struct{})
	sched.AfterFunc(ctx, time.Millisecond, func() { // a task of its own: it may take long, and wait
		fmt.Println("now")
		close(done)
	})
	never := sched.AfterFunc(ctx, time.Hour, func() { fmt.Println("never") })
	<-done
	fmt.Println(never.Stop(), never.Stop())
	// Output:
	// now
	// true false
}

func ExampleAfter() {
	ctx := context.Background()
	start := time.Now()
	at := <-sched.After(ctx, time.Millisecond)
	fmt.Println(at.Sub(start) >= time.Millisecond)
	// Output: true
}

func ExampleNewTimer() {
	ctx := context.Background()
	t := sched.NewTimer(ctx, time.Hour)
	fmt.Println(t.Reset(time.Millisecond)) // it was running
	<-t.C
	fmt.Println(t.Stop())
	// Output:
	// true
	// false
}

func ExampleNewTicker() {
	ctx := context.Background()
	start := time.Now()
	t := sched.NewTicker(ctx, time.Millisecond)
	defer t.Stop()
	for range 3 {
		<-t.C
	}
	fmt.Println(time.Since(start) >= 3*time.Millisecond)
	// Output: true
}

func ExampleWithTimeout() {
	ctx, cancel := sched.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err := sched.Run(ctx, func(t *sched.Task) (int, error) {
		return 0, sched.Sleep(t, time.Hour) // ends with ctx
	})
	fmt.Println(err)
	// Output: context deadline exceeded
}
