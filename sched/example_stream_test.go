package sched_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strconv"
	"sync"
	"testing/fstest"
	"time"

	"github.com/pinwheel-sched/pinwheel/sched"
)

func ExampleStream() {
	words := slices.Values([]string{"8", "13", "21"})
	parse := func(_ *sched.Task, s string) (int, error) { return strconv.Atoi(s) }
	for n, err := range sched.Stream(context.Background(), words, parse) {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(n)
	}
	// Output:
	// 8
	// 13
	// 21
}

func ExampleStream_error() {
	words := slices.Values([]string{"8", "thirteen", "21"})
	parse := func(_ *sched.Task, s string) (int, error) { return strconv.Atoi(s) }
	for n, err := range sched.Stream(context.Background(), words, parse) {
		fmt.Println(n, err) // the error is the last pair
	}
	// Output:
	// 8 <nil>
	// 0 strconv.Atoi: parsing "thirteen": invalid syntax
}

func ExampleStreamChan() {
	requests := make(chan int)
	go func() {
		defer close(requests)
		for i := range 3 {
			requests <- i
		}
	}()
	answer := func(_ *sched.Task, i int) (string, error) { return fmt.Sprint("answer ", i), nil }
	for s, err := range sched.StreamChan(context.Background(), requests, answer) {
		fmt.Println(s, err)
	}
	// Output:
	// answer 0 <nil>
	// answer 1 <nil>
	// answer 2 <nil>
}

func ExampleThen() {
	parsed := sched.Stream(context.Background(), slices.Values([]string{"1", "2", "3"}),
		func(_ *sched.Task, s string) (int, error) { return strconv.Atoi(s) })
	squares := sched.Then(parsed,
		func(_ *sched.Task, n int) (int, error) { return n * n, nil })
	for n, err := range squares {
		fmt.Println(n, err)
	}
	// Output:
	// 1 <nil>
	// 4 <nil>
	// 9 <nil>
}

// The source is never more than eight items ahead of the loop.
func ExampleWindow() {
	pulled := 0
	source := func(yield func(int) bool) {
		for i := 0; yield(i); i++ {
			pulled++
		}
	}
	same := func(_ *sched.Task, i int) (int, error) { return i, nil }
	for i, err := range sched.Stream(context.Background(), source, same, sched.Window(8)) {
		if err != nil || i == 100 {
			break
		}
	}
	fmt.Println(pulled <= 100+8)
	// Output: true
}

func ExampleUnordered() {
	slow := make(chan struct{})
	work := func(t *sched.Task, i int) (int, error) {
		if i == 0 {
			return sched.Blocking(t, func() (int, error) { <-slow; return i, nil })
		}
		return i, nil
	}
	for i, err := range sched.Stream(context.Background(), slices.Values([]int{0, 1}), work, sched.Unordered()) {
		if fmt.Println(i, err); i == 1 {
			close(slow)
		}
	}
	// Output:
	// 1 <nil>
	// 0 <nil>
}

func ExampleKeyed() {
	type event struct {
		account string
		amount  int
	}
	events := []event{{"ann", 5}, {"bob", 7}, {"ann", -5}, {"ann", 2}}
	balance := sync.Map{} // of each account, which only one task at a time touches
	book := func(_ *sched.Task, e event) (string, error) {
		was, _ := balance.LoadOrStore(e.account, 0)
		now := was.(int) + e.amount
		balance.Store(e.account, now)
		return e.account, nil
	}
	booked := sched.Stream(context.Background(), slices.Values(events), book,
		sched.Keyed(func(e event) string { return e.account }))
	for _, err := range booked {
		if err != nil {
			fmt.Println(err)
		}
	}
	ann, _ := balance.Load("ann")
	bob, _ := balance.Load("bob")
	fmt.Println(ann, bob)
	// Output: 2 7
}

func ExampleDeadLetter() {
	parse := func(_ *sched.Task, s string) (int, error) { return strconv.Atoi(s) }
	failed := sched.DeadLetter(func(s string, err error) { fmt.Printf("dropped %q\n", s) })
	sum := 0
	for n, err := range sched.Stream(context.Background(), slices.Values([]string{"1", "?", "3"}), parse, failed) {
		if err != nil {
			fmt.Println(err)
		}
		sum += n
	}
	fmt.Println(sum)
	// Output:
	// dropped "?"
	// 4
}

func ExampleRetry() {
	tries := 0
	fetch := func(_ *sched.Task, url string) (string, error) {
		if tries++; tries < 3 {
			return "", errors.New("busy")
		}
		return "page of " + url, nil
	}
	urls := slices.Values([]string{"example.org"})
	for page, err := range sched.Stream(context.Background(), urls, fetch, sched.Retry(5, time.Millisecond)) {
		fmt.Println(page, err)
	}
	// Output: page of example.org <nil>
}

func ExampleOnProgress() {
	progress := sched.OnProgress(time.Hour, func(p sched.Progress) {
		fmt.Printf("%d of 1000, %d in flight\n", p.Out, p.InFlight)
	})
	work := func(_ *sched.Task, i int) (int, error) { return i, nil }
	ids := slices.Values(make([]int, 1000))
	for _, err := range sched.Stream(context.Background(), ids, work, progress) {
		if err != nil {
			fmt.Println(err)
		}
	}
	// Output: 1000 of 1000, 0 in flight
}

func ExampleChunk() {
	numbers := sched.Stream(context.Background(), slices.Values([]int{1, 2, 3, 4, 5}),
		func(_ *sched.Task, n int) (int, error) { return n * n, nil })
	for chunk, err := range sched.Chunk(numbers, 2) {
		fmt.Println(chunk, err)
	}
	// Output:
	// [1 4] <nil>
	// [9 16] <nil>
	// [25] <nil>
}

func ExampleSplit() {
	ctx := context.Background()
	numbers := sched.Stream(ctx, slices.Values([]int{1, 2, 3, 4}), func(_ *sched.Task, n int) (int, error) { return n, nil })
	var mu sync.Mutex
	sum := 0
	add := func(part iter.Seq2[int, error]) error {
		for n, err := range part {
			if err != nil {
				return err
			}
			mu.Lock()
			sum += n
			mu.Unlock()
		}
		return nil
	}
	err := sched.Split(ctx, numbers, add, add)
	fmt.Println(sum, err)
	// Output: 10 <nil>
}

func ExampleMerge() {
	ctx := context.Background()
	from := func(numbers ...int) iter.Seq2[int, error] {
		return sched.Stream(ctx, slices.Values(numbers), func(_ *sched.Task, n int) (int, error) { return n, nil })
	}
	all, err := sched.Collect(sched.Merge(ctx, from(1, 2), from(3)))
	fmt.Println(len(all), err)
	// Output: 3 <nil>
}

// A source that can fail yields its error beside a zero value. The stream ends with that error, after the results before it.
func ExampleStream2() {
	tree := fstest.MapFS{"a.txt": {Data: []byte("one")}, "b/c.txt": {Data: []byte("three")}}
	files := func(yield func(string, error) bool) {
		err := fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && !yield(name, nil) {
				return fs.SkipAll // the loop has ended
			}
			return err
		})
		if err != nil {
			yield("", err)
		}
	}
	read := func(_ *sched.Task, name string) (string, error) {
		text, err := tree.ReadFile(name)
		return fmt.Sprintf("%s has %d bytes", name, len(text)), err
	}
	for line, err := range sched.Stream2(context.Background(), files, read) {
		fmt.Println(line, err)
	}
	// Output:
	// a.txt has 3 bytes <nil>
	// b/c.txt has 5 bytes <nil>
}

func ExampleCollect() {
	squares, err := sched.Collect(sched.Stream(context.Background(), slices.Values([]int{1, 2, 3}),
		func(_ *sched.Task, n int) (int, error) { return n * n, nil }))
	fmt.Println(squares, err)
	// Output: [1 4 9] <nil>
}

func ExampleReduceWindows() {
	prices := sched.Stream(context.Background(), slices.Values([]string{"3", "9", "4", "7", "5"}),
		func(_ *sched.Task, s string) (int, error) { return strconv.Atoi(s) })
	highest := sched.ReduceWindows(prices, 2, 0, func(a, b int) int { return max(a, b) })
	all, err := sched.Collect(highest)
	fmt.Println(all, err)
	// Output: [9 7 5] <nil>
}

// Both consumers get every element.
func ExampleTee() {
	ctx := context.Background()
	numbers := sched.Stream(ctx, slices.Values([]int{1, 2, 3}), func(_ *sched.Task, n int) (int, error) { return n, nil })
	count, sum := 0, 0
	err := sched.Tee(ctx, numbers,
		func(all iter.Seq2[int, error]) error {
			for _, err := range all {
				if err != nil {
					return err
				}
				count++
			}
			return nil
		},
		func(all iter.Seq2[int, error]) error {
			for n, err := range all {
				if err != nil {
					return err
				}
				sum += n
			}
			return nil
		})
	fmt.Println(count, sum, err)
	// Output: 3 6 <nil>
}
