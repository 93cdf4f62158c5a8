package lock_test

import (
	"context"
	"fmt"
	"time"

	"github.com/pinwheel-sched/pinwheel/lock"
)

func ExampleMutex() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var mu lock.Mutex
	if err := mu.Lock(ctx); err != nil { // the deadline has passed
		return
	}
	defer mu.Unlock()
	fmt.Println("alone; another TryLock:", mu.TryLock())
	// Output: alone; another TryLock: false
}

func ExampleRWMutex() {
	var rw lock.RWMutex
	_ = rw.RLock(context.Background())
	fmt.Println("another reader:", rw.TryRLock(), "a writer:", rw.TryLock())
	rw.RUnlock()
	rw.RUnlock()
	// Output: another reader: true a writer: false
}

func ExampleSemaphore() {
	memory := lock.NewSemaphore(100)
	_ = memory.Acquire(context.Background(), 70)
	fmt.Println(memory.TryAcquire(40))
	memory.Release(70)
	fmt.Println(memory.TryAcquire(40))
	// Output:
	// false
	// true
}

func ExampleCond() {
	var mu lock.Mutex
	changed := lock.NewCond(&mu)
	ready := false
	go func() {
		_ = mu.Lock(context.Background())
		ready = true
		mu.Unlock()
		changed.Broadcast()
	}()
	_ = mu.Lock(context.Background())
	defer mu.Unlock()
	for !ready {
		if err := changed.Wait(context.Background()); err != nil {
			return
		}
	}
	fmt.Println("ready")
	// Output: ready
}

func ExampleWaitGroup() {
	var g lock.WaitGroup
	results := make([]int, 3)
	g.Add(len(results))
	for i := range results {
		go func() {
			defer g.Done()
			results[i] = i * i
		}()
	}
	_ = g.Wait(context.Background())
	fmt.Println(results)
	// Output: [0 1 4]
}

func ExampleLatch() {
	ready := lock.NewLatch(2)
	go ready.CountDown()
	go ready.CountDown()
	fmt.Println(ready.Wait(context.Background()))
	// Output: <nil>
}

func ExampleBarrier() {
	both := lock.NewBarrier(2)
	go func() { _, _ = both.Wait(context.Background()) }()
	_, err := both.Wait(context.Background())
	fmt.Println(err, both.Generation())
	// Output: <nil> 1
}

func ExampleOnce() {
	var open lock.Once
	for range 2 {
		_ = open.Do(context.Background(), func() { fmt.Println("opened") })
	}
	// Output: opened
}

func ExampleOnceValue() {
	var config lock.OnceValue[string]
	for range 2 {
		text, err := config.Get(context.Background(), func() (string, error) {
			fmt.Println("reading")
			return "color=blue", nil
		})
		fmt.Println(text, err)
	}
	// Output:
	// reading
	// color=blue <nil>
	// color=blue <nil>
}

func ExampleNotify() {
	var changed lock.Notify
	changed.One() // nobody waits, so it is kept
	fmt.Println(changed.Wait(context.Background()))
	// Output: <nil>
}

func ExampleWatch() {
	var level lock.Watch[string]
	level.Set("low")
	level.Set("high")
	value, version, _ := level.Next(context.Background(), 0)
	fmt.Println(value, version)
	// Output: high 2
}

func ExampleBroadcast() {
	news := lock.NewBroadcast[int](2)
	reader := news.Subscribe()
	for i := range 3 {
		_ = news.Send(i)
	}
	news.Close()
	for n, err := range reader.All(context.Background()) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(n)
	}
	// Output:
	// lock: receiver lagged: 1 values missed
	// 1
	// 2
}

func ExampleQueue() {
	q := lock.NewQueue[int](2)
	go func() {
		defer q.Close()
		for i := range 3 {
			_ = q.Send(context.Background(), i)
		}
	}()
	for x, err := range q.All(context.Background()) {
		fmt.Println(x, err)
	}
	// Output:
	// 0 <nil>
	// 1 <nil>
	// 2 <nil>
}

func ExampleQueue_Reserve() {
	q := lock.NewQueue[string](1)
	slot, err := q.Reserve(context.Background()) // wait first
	if err != nil {
		return
	}
	slot.Send("made when there was room") // then make the element
	x, _ := q.Receive(context.Background())
	fmt.Println(x)
	// Output: made when there was room
}
