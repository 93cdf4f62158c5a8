package sched

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pinwheel-sched/pinwheel/future"
)

//go:noinline
func startsBomb(ctx context.Context) *future.Future[int] {
	return Go(ctx, func(*Task) (int, error) { return goesOff(), nil })
}

//go:noinline
func goesOff() int { panic("boom") }

//go:noinline
func awaitsBomb(ctx context.Context, f *future.Future[int]) (int, error) { return f.Await(ctx) }

func TestAPanicTellsWhereItHappenedWhereItWasStartedAndWhoAwaitedIt(t *testing.T) {
	check := func(t *testing.T, ctx context.Context) {
		f := startsBomb(ctx)
		_, err := awaitsBomb(ctx, f)
		var p *PanicError
		if !errors.As(err, &p) {
			t.Fatal(err)
		}
		if !strings.Contains(string(p.Stack), "goesOff") {
			t.Errorf("the stack:\n%s", p.Stack)
		}
		if !strings.Contains(p.Started.String(), "startsBomb\n\t") {
			t.Errorf("started by %s", p.Started)
		}
		if len(p.Awaited) != 1 || !strings.Contains(p.Awaited[0].String(), "awaitsBomb\n\t") {
			t.Errorf("awaited by %s", p.Awaited)
		}
		for _, part := range []string{"boom", "goesOff", "started by", "startsBomb", "awaited by", "awaitsBomb", "provenance_test.go:"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not say %q:\n%v", part, err)
			}
		}
		if _, again, _ := f.Poll(); again.(*PanicError).Awaited != nil {
			t.Error("who awaits changes what others get")
		}

		// Through another task that does not return it but panics with it, and through one that wraps it.
		_, err = Go(ctx, func(t *Task) (int, error) {
			if _, err := awaitsBomb(t, f); err != nil {
				panic(err)
			}
			return 0, nil
		}).Await(ctx)
		if !errors.As(err, &p) || len(p.Awaited) != 2 || !strings.Contains(p.Awaited[0].String(), "awaitsBomb") || !strings.Contains(p.Started.String(), "startsBomb") {
			t.Errorf("through a task: %v", err)
		}

		// Out of a group, a loop, a stolen fork.
		for name, f := range map[string]func() error{
			"Group": func() error {
				g := NewGroup(ctx)
				g.Go(func(*Task) error { goesOff(); return nil })
				return g.Wait()
			},
			"For": func() error { return For(ctx, 100, func(int) { goesOff() }) },
		} {
			p, _ := mustPanic(t, func() { _ = f() }).(*PanicError)
			if p == nil || len(p.Awaited) == 0 || !strings.Contains(p.Awaited[len(p.Awaited)-1].String(), "provenance_test.go") {
				t.Errorf("%s: %v", name, p)
			}
		}
	}
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) { check(t, ctx) })
	t.Run("sequential", func(t *testing.T) {
		_, ctx := sequential(t)
		check(t, ctx)
	})
}

func TestAPanicThatPassesManyTasksStaysShort(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	var nest func(t *Task, depth int) (int, error)
	nest = func(task *Task, depth int) (int, error) {
		if depth == 0 {
			return goesOff(), nil
		}
		n, err := Go(task, func(t *Task) (int, error) { return nest(t, depth-1) }).Await(task)
		if err != nil {
			panic(err)
		}
		return n, nil
	}
	_, err := Run(ctx, func(t *Task) (int, error) { return nest(t, 100) })
	var p *PanicError
	if !errors.As(err, &p) || len(p.Awaited) != 12 {
		t.Fatalf("%d stacks", len(p.Awaited))
	}
}
