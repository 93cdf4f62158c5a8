package worker

import (
	"context"
	"runtime"
	"testing"
)

type body struct {
	Root
	run  func(t *Task)
	fail *PanicError
	err  error
	over chan struct{}
}

func (b *body) Run(t *Task) { b.run(t) }

func (b *body) Done(failure *PanicError, refused error) {
	b.fail, b.err = failure, refused
	close(b.over)
}

// onPool runs f as a task of a new pool, once in place of the caller and once on a worker.
func onPool(t *testing.T, workers int, f func(t *Task)) {
	t.Helper()
	p, err := New(Config{Workers: workers, Spin: DefaultSpin})
	if err != nil {
		t.Fatal(err)
	}
	for _, here := range []bool{true, false} {
		b := &body{run: f, over: make(chan struct{})}
		b.Init(context.Background(), b)
		if here {
			_, err = p.RunHere(&b.Root, Anyway)
		} else {
			err = p.Submit(&b.Root)
		}
		if err != nil {
			t.Fatal(err)
		}
		<-b.over
		if b.fail != nil || b.err != nil {
			t.Errorf("%d workers: %v, %v", workers, b.fail, b.err)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

var (
	ints  = NewFork[int, int]()
	texts = NewFork[string, string]()
	pairs = NewFork[[3]int, [3]int]()
)

// mixed forks three kinds in turn, so that segments of different kinds pile up, and deeper than a segment is long.
func mixed(t *Task, depth int) int {
	if depth == 0 {
		return 1
	}
	a := ints.Fork(t, func(_ *Task, n int) int { return n }, depth)
	b := texts.Fork(t, func(_ *Task, s string) string { return s + s }, "ab")
	c := pairs.Fork(t, func(_ *Task, x [3]int) [3]int { return [3]int{x[2], x[1], x[0]} }, [3]int{depth, 2, 3})
	below := mixed(t, depth-1)
	if got := c.Join(t); got != [3]int{3, 2, depth} {
		panic(got)
	}
	if got := b.Join(t); got != "abab" {
		panic(got)
	}
	if got := a.Join(t); got != depth {
		panic(got)
	}
	return below + 1
}

func TestForksOfSeveralKindsNestDeeply(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		for _, depth := range []int{1, firstSlots - 1, firstSlots, firstSlots + 1, 3000} {
			onPool(t, workers, func(t *Task) {
				if got := mixed(t, depth); got != depth+1 {
					panic(got)
				}
			})
		}
	}
}

// chain forks one kind deeper than the largest segment.
func chain(t *Task, n int) int {
	if n == 0 {
		return 0
	}
	f := ints.Fork(t, func(_ *Task, n int) int { return n }, 1)
	rest := chain(t, n-1)
	return f.Join(t) + rest
}

func TestAForkStackGrowsAndIsUsedAgain(t *testing.T) {
	for _, workers := range []int{1, 2} {
		onPool(t, workers, func(t *Task) {
			for range 3 {
				for _, n := range []int{10, firstSlots, 2 * firstSlots, 5 * mostSlots} {
					if got := chain(t, n); got != n {
						panic(got)
					}
				}
			}
			if n := len(t.fiber().free) + len(t.fiber().segs); n > 24 {
				panic(n) // segments are made anew instead of used again
			}
		})
	}
}

func TestAUsedSlotKeepsNothingAliveWhenItsFiberRests(t *testing.T) {
	type big [1 << 16]byte
	kind := NewFork[*big, int]()
	p, err := New(Config{Workers: 1, Spin: DefaultSpin})
	if err != nil {
		t.Fatal(err)
	}
	collected := make(chan struct{}, 1)
	b := &body{over: make(chan struct{}), run: func(t *Task) {
		x := new(big)
		runtime.AddCleanup(x, func(struct{}) { collected <- struct{}{} }, struct{}{})
		kind.Fork(t, func(_ *Task, x *big) int { return len(x) }, x).Join(t)
	}}
	b.Init(context.Background(), b)
	if err := p.Submit(&b.Root); err != nil {
		t.Fatal(err)
	}
	<-b.over
	for awake(p.state.Load()) > 0 { // it forgets before it parks
		runtime.Gosched()
	}
	for done := false; !done; {
		runtime.GC()
		select {
		case <-collected:
			done = true
		default:
			runtime.Gosched()
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
