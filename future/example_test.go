package future_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/sched"
)

func ExamplePromise() {
	p := future.NewPromise[string]()
	go func() { p.Resolve("hello") }()
	fmt.Println(p.Future().Await(context.Background()))
	// Output: hello <nil>
}

func ExampleFuture_Done() {
	p := future.NewPromise[int]()
	go p.Resolve(42)
	select {
	case <-p.Future().Done():
		fmt.Println(p.Future().Poll())
	case <-time.After(time.Minute):
		fmt.Println("too late")
	}
	// Output: 42 <nil> true
}

func ExampleFuture_Cancel() {
	f := future.NewPromise[int]().Future()
	g := future.Map(f, func(n int) int { return n + 1 })
	g.Cancel(errors.New("not interested"))
	fmt.Println(f.Await(context.Background()))
	// Output: 0 not interested
}

func ExampleThen() {
	ctx := context.Background()
	text := sched.Go(ctx, func(*sched.Task) (string, error) { return "12", nil })
	number := future.Then(text, strconv.Atoi)
	double := future.Map(number, func(n int) int { return 2 * n })
	fmt.Println(double.Await(ctx))
	// Output: 24 <nil>
}

func ExampleRecover() {
	p := future.NewPromise[string]()
	number := future.Then(p.Future(), strconv.Atoi)
	safe := future.Recover(number, func(error) (int, error) { return -1, nil })
	p.Resolve("twelve")
	fmt.Println(safe.Await(context.Background()))
	// Output: -1 <nil>
}

func ExampleAll() {
	ctx := context.Background()
	var squares []*future.Future[int]
	for i := range 5 {
		squares = append(squares, sched.Go(ctx, func(*sched.Task) (int, error) { return i * i, nil }))
	}
	fmt.Println(future.All(squares...).Await(ctx))
	// Output: [0 1 4 9 16] <nil>
}

func ExampleAllSettled() {
	good, bad := future.NewPromise[int](), future.NewPromise[int]()
	good.Resolve(1)
	bad.Reject(errors.New("bad"))
	results, _ := future.AllSettled(good.Future(), bad.Future()).Await(context.Background())
	for _, r := range results {
		fmt.Println(r.Value, r.Err)
	}
	// Output:
	// 1 <nil>
	// 0 bad
}

func ExampleAny() {
	mirror1, mirror2 := future.NewPromise[string](), future.NewPromise[string]()
	f := future.Any(mirror1.Future(), mirror2.Future())
	mirror1.Reject(errors.New("down"))
	mirror2.Resolve("page")
	fmt.Println(f.Await(context.Background()))
	// Output: page <nil>
}

func ExampleRace() {
	slow, fast := future.NewPromise[string](), future.NewPromise[string]()
	f := future.Race(slow.Future(), fast.Future())
	fast.Resolve("fast")
	fmt.Println(f.Await(context.Background()))
	_, err := slow.Future().Await(context.Background())
	fmt.Println(err)
	// Output:
	// fast <nil>
	// future: not needed any more: context canceled
}

func ExampleAsCompleted() {
	first, second := future.NewPromise[int](), future.NewPromise[int]()
	second.Resolve(2)
	for n, err := range future.AsCompleted(context.Background(), first.Future(), second.Future()) {
		fmt.Println(n, err)
		first.TryResolve(1)
	}
	// Output:
	// 2 <nil>
	// 1 <nil>
}

func ExampleTimeout() {
	slow := future.NewPromise[int]()
	fmt.Println(future.Timeout(slow.Future(), time.Millisecond).Await(context.Background()))
	// Output: 0 context deadline exceeded
}

func ExampleShield() {
	shared := future.NewPromise[int]()
	timely := future.Timeout(future.Shield(shared.Future()), time.Millisecond)
	_, err := timely.Await(context.Background())
	fmt.Println(err)
	shared.Resolve(1) // others may still wait for it
	fmt.Println(shared.Future().Await(context.Background()))
	// Output:
	// context deadline exceeded
	// 1 <nil>
}

func ExampleMap() {
	p := future.NewPromise[string]()
	length := future.Map(p.Future(), func(s string) int { return len(s) })
	p.Resolve("hello")
	fmt.Println(length.Await(context.Background()))
	// Output: 5 <nil>
}

func ExampleFuture_Poll() {
	p := future.NewPromise[int]()
	_, _, ok := p.Future().Poll()
	fmt.Println(ok)
	p.Resolve(7)
	fmt.Println(p.Future().Poll())
	// Output:
	// false
	// 7 <nil> true
}
