package sched

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

// everyPool runs f with 1, 2 and 8 workers.
func everyPool(t *testing.T, f func(t *testing.T, s *Scheduler, ctx context.Context), opts ...Option) {
	for _, workers := range []int{1, 2, 8} {
		t.Run(fmt.Sprintf("workers=%d", workers), func(t *testing.T) {
			s, ctx := newScheduler(t, append(opts, WithWorkers(workers))...)
			f(t, s, ctx)
		})
	}
}

// mustPanic calls f and returns what it panicked with.
func mustPanic(t *testing.T, f func()) (r any) {
	t.Helper()
	defer func() { r = recover() }()
	f()
	t.Error("no panic")
	return nil
}

type bomb struct {
	depth int
	at    int // the depth at which it goes off
	how   string
}

var bombs = NewFork[bomb, int]()

// explode forks a tree and fails in its leftmost or rightmost branch at a certain depth.
func explode(t *Task, b bomb) int {
	if b.depth == b.at {
		switch b.how {
		case "panic":
			panic(io.ErrUnexpectedEOF)
		case "goexit":
			runtime.Goexit()
		}
	}
	if b.depth == 12 {
		return 1
	}
	next := b
	next.depth++
	other := next
	other.how = ""
	if b.depth%2 == 0 {
		next, other = other, next
	}
	x, y := bombs.Join2(t, explode, next, other)
	return x + y
}

func TestAPanicAtAnyDepthReachesTheCaller(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for at := range 13 {
			_, err := Run(ctx, func(t *Task) (int, error) { return explode(t, bomb{0, at, "panic"}), nil })
			var p *PanicError
			if !errors.As(err, &p) || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("depth %d: %v", at, err)
			}
			if !strings.Contains(string(p.Stack), "explode") {
				t.Fatalf("depth %d: the stack does not show where it happened:\n%s", at, p.Stack)
			}
		}
		if n, err := Run(ctx, func(t *Task) (int, error) { return explode(t, bomb{}), nil }); n != 1<<12 || err != nil {
			t.Fatalf("after the panics: %d, %v", n, err)
		}
	})
}

func TestGoexitAtAnyDepthReachesTheCaller(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for at := range 13 {
			_, err := Run(ctx, func(t *Task) (int, error) { return explode(t, bomb{0, at, "goexit"}), nil })
			if !errors.Is(err, ErrGoexit) {
				t.Fatalf("depth %d: Run: %v", at, err)
			}
			_, err = Go(ctx, func(t *Task) (int, error) { return explode(t, bomb{0, at, "goexit"}), nil }).Await(ctx)
			if !errors.Is(err, ErrGoexit) {
				t.Fatalf("depth %d: Go: %v", at, err)
			}
		}
		for range 200 { // many fibers die; the workers do not
			if _, err := Go(ctx, func(*Task) (int, error) { runtime.Goexit(); return 0, nil }).Await(ctx); !errors.Is(err, ErrGoexit) {
				t.Fatal(err)
			}
		}
		if n, err := Run(ctx, func(t *Task) (int, error) { return explode(t, bomb{}), nil }); n != 1<<12 || err != nil {
			t.Fatalf("after the Goexits: %d, %v", n, err)
		}
	})
}

func TestAPanicThatIsRecoveredHalfwayLeavesNoForksBehind(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for range 50 {
			n, err := Run(ctx, func(t *Task) (int, error) {
				f := fibs.Fork(t, fib, 15)
				func() {
					defer func() { _ = recover() }()
					fibs.Fork(t, fib, 14) // these are left behind
					bombs.Fork(t, explode, bomb{})
					fibs.Fork(t, fib, 13)
					explode(t, bomb{0, 7, "panic"})
				}()
				g := fibs.Fork(t, fib, 10)
				x := fib(t, 16)
				y := g.Join(t)
				return f.Join(t) + x + y, nil
			})
			if want := 610 + 987 + 55; n != want || err != nil {
				t.Fatalf("%d, %v; want %d", n, err, want)
			}
		}
	})
}

func TestForksThatAreNotJoinedEndWithTheTask(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		var running atomic.Int32
		kind := NewFork[int, int]()
		for range 100 {
			_, err := Run(ctx, func(t *Task) (int, error) {
				for i := range 20 {
					kind.Fork(t, func(t *Task, _ int) int { running.Add(1); fib(t, 12); running.Add(-1); return 0 }, i)
				}
				return fib(t, 15), nil
			})
			if err != nil || running.Load() != 0 {
				t.Fatalf("%v; %d forks outlived their task", err, running.Load())
			}
		}
	})
}

func TestMisuseOfForksPanics(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		inTask := func(f func(t *Task)) any {
			_, err := Run(ctx, func(t *Task) (int, error) { f(t); return 0, nil })
			var p *PanicError
			if !errors.As(err, &p) {
				t.Errorf("no panic: %v", err)
				return ""
			}
			return p.Value
		}
		says := func(got any, want string) {
			t.Helper()
			if !strings.Contains(fmt.Sprint(got), want) {
				t.Errorf("panic %q, want one about %q", got, want)
			}
		}
		says(inTask(func(t *Task) {
			f := fibs.Fork(t, fib, 3)
			f.Join(t)
			f.Join(t)
		}), "joined once")
		says(inTask(func(t *Task) {
			f := fibs.Fork(t, fib, 3)
			g := fibs.Fork(t, fib, 4)
			f.Join(t)
			g.Join(t)
		}), "last forked first")
		says(inTask(func(t *Task) { fibs.Fork(t, nil, 3) }), "nil function")
		says(inTask(func(t *Task) { Join[int](t, nil, func(*Task) int { return 0 }) }), "nil function")

		var kept *Task
		_, _ = Run(ctx, func(t *Task) (int, error) { kept = t; return fib(t, 5), nil })
		says(mustPanic(t, func() { fibs.Fork(kept, fib, 3) }), "has ended")
		says(mustPanic(t, func() { Join(kept, func(*Task) int { return 0 }, func(*Task) int { return 0 }) }), "has ended")
		if kept.Err() == nil {
			t.Error("Err of a task that has ended is nil")
		}
		select {
		case <-kept.Done():
		default:
			t.Error("Done of a task that has ended is open")
		}
		if n, err := Run(kept, func(*Task) (int, error) { return 1, nil }); err == nil {
			t.Errorf("Run under a task that has ended: %d, %v", n, err)
		}
		for name, f := range map[string]func(){
			"Run":      func() { _, _ = Run[int](ctx, nil) },
			"Go":       func() { Go[int](ctx, nil) },
			"For":      func() { _ = For(ctx, 1, nil) },
			"ForRange": func() { _ = ForRange(ctx, 1, nil) },
			"Map":      func() { _, _ = Map[int, int](ctx, []int{1}, nil) },
		} {
			if r := mustPanic(t, f); !strings.Contains(fmt.Sprint(r), name) {
				t.Errorf("%s of nil: %v", name, r)
			}
		}
	})
}

func TestAHandleOnAnotherGoroutineIsRefused(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	_, _ = Run(ctx, func(task *Task) (int, error) {
		done := make(chan any)
		go func() {
			defer func() { done <- recover() }()
			f := fibs.Fork(task, fib, 3)
			f.Join(task)
		}()
		if r := <-done; !strings.Contains(fmt.Sprint(r), "another goroutine") {
			t.Errorf("panic %v", r)
		}
		return 0, nil
	})
}

func TestCancellationReachesTasksAtAnyDepth(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		type want struct{}
		ctx, cancel := context.WithCancelCause(context.WithValue(ctx, want{}, 7))
		kind := NewFork[int, error]()
		var deep func(t *Task, n int) error
		deep = func(task *Task, n int) error {
			if task.Value(want{}) != 7 {
				return errors.New("the value is lost")
			}
			if n == 0 {
				cancel(io.EOF)
				<-task.Done()
				if context.Cause(task) != io.EOF {
					return fmt.Errorf("cause %v", context.Cause(task))
				}
				return task.Err()
			}
			f := kind.Fork(task, deep, n-1)
			return errors.Join(f.Join(task), task.Err())
		}
		_, err := Run(ctx, func(t *Task) (int, error) { return 0, deep(t, 10) })
		if !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "cause") {
			t.Fatal(err)
		}
		if _, err := Run(ctx, func(*Task) (int, error) { t.Error("called"); return 0, nil }); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if _, err := Go(ctx, func(*Task) (int, error) { t.Error("called"); return 0, nil }).Await(context.Background()); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	})
}

func TestAPanicNobodyAwaitsGoesToTheHandler(t *testing.T) {
	got := make(chan *PanicError, 1)
	_, ctx := newScheduler(t, WithWorkers(2), WithPanicHandler(func(p *PanicError) { got <- p }))
	stolen := make(chan struct{})
	kind := NewFork[int, int]()
	_, err := Run(ctx, func(t *Task) (int, error) {
		kind.Fork(t, func(*Task, int) int { close(stolen); panic("nobody awaits this") }, 0)
		<-stolen // another worker has it
		return 1, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if p := await(t, got, "call of the handler"); p.Value != "nobody awaits this" {
		t.Errorf("value %v", p.Value)
	}
}
