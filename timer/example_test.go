package timer_test

import (
	"context"
	"fmt"
	"time"

	"github.com/pinwheel-sched/pinwheel/timer"
)

// Wheels need somebody who polls them: here a driver.
func Example() {
	wheels, err := timer.New(timer.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	driver := timer.StartDriver(wheels)
	defer wheels.Close()
	defer driver.Stop() // first

	start := time.Now()
	if err := wheels.Shard(-1).Sleep(context.Background(), 5*time.Millisecond); err != nil {
		fmt.Println(err)
	}
	fmt.Println("too early:", time.Since(start) < 5*time.Millisecond)
	// Output: too early: false
}

// A timer that is part of something else costs no allocation, however often it is set.
func ExampleTimer_Init() {
	type connection struct {
		idle   timer.Timer
		closed bool
	}
	var clock timer.Fake
	wheels, err := timer.New(timer.Config{Now: clock.Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	c := &connection{}
	c.idle.Init(func() { c.closed = true })
	for range 3 { // data arrives
		c.idle.ResetOn(wheels.Shard(-1), time.Minute)
		clock.Advance(wheels, 59*time.Second)
	}
	fmt.Println(c.closed)
	clock.Advance(wheels, 2*time.Second)
	fmt.Println(c.closed)
	// Output:
	// false
	// true
}

// Tests need not wait.
func ExampleFake() {
	var clock timer.Fake
	wheels, err := timer.New(timer.Config{Now: clock.Now, Run: timer.AtOnce})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := wheels.Shard(-1)
	s.AfterFunc(24*time.Hour, func() { fmt.Println("a day later") })
	stopped := s.AfterFunc(time.Hour, func() { fmt.Println("never") })
	fmt.Println(stopped.Stop(), stopped.Stop())
	clock.Advance(wheels, 48*time.Hour)
	// Output:
	// true false
	// a day later
}

// A worker polls its own shard between two tasks, and sleeps no longer than until its next timer.
func ExampleShard_Poll() {
	wheels, err := timer.New(timer.Config{Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	shard := wheels.Shard(0)
	done := false
	var t timer.Timer
	t.Init(func() { done = true })
	t.ResetOn(shard, time.Millisecond)
	for !done {
		shard.Poll(wheels.Now())
		if when, ok := shard.Next(); ok {
			time.Sleep(when - wheels.Now()) // stands for parking with a timeout
		}
	}
	fmt.Println(wheels.Pending())
	// Output: 0
}
