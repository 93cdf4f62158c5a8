package sched

import (
	"context"
	"errors"
	"runtime"
	"runtime/pprof"
	"testing"

	"github.com/pinwheel-sched/pinwheel/future"
)

// inARow starts and awaits tasks of f, so many that the scheduler gets to know the context.
func inARow(t *testing.T, ctx context.Context, f func() int) {
	t.Helper()
	for range 300 {
		if v, err := startOf(ctx, f).Await(context.Background()); v != 7 || err != nil {
			t.Fatal(v, err)
		}
	}
}

// startOf is one place, from which all tasks are started: it must not be inlined.
//
//go:noinline
func startOf(ctx context.Context, f func() int) *future.Future[int] {
	return Go(ctx, func(*Task) (int, error) { return f(), nil })
}

func seven() int { return 7 }

// A context under which many tasks were taken over is found done when it is, and the next one is not taken for it.
func TestAFamiliarContextEnds(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		for range 20 {
			inner, cancel := context.WithCancel(ctx)
			inARow(t, inner, seven)
			cancel()
			if v, err := startOf(inner, seven).Await(context.Background()); !errors.Is(err, context.Canceled) {
				t.Fatal(v, err)
			}
			inARow(t, ctx, seven)
			f := startOf(ctx, seven)
			cancelled := f.Cancel(errors.ErrUnsupported) // if no worker has been quicker
			if v, err := f.Await(context.Background()); cancelled != errors.Is(err, errors.ErrUnsupported) {
				t.Fatal(v, err)
			}
		}
	})
}

// Tasks of contexts with and without labels take turns, each context so often that it is known.
func TestTheLabelsOfAFamiliarContext(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		check := func(ctx context.Context, want string) {
			inARow(t, ctx, seven)
			for range 3 {
				look := func() int {
					if got := labelsHere(t); got != want {
						t.Errorf("the task has labels %q, its context %q", got, want)
					}
					return 7
				}
				if _, err := startOf(ctx, look).Await(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
		}
		labelled := pprof.WithLabels(ctx, pprof.Labels("who", "me"))
		for range 3 {
			check(ctx, "")
			check(labelled, `{"who":"me"}`)
		}
	})
}

// An odd context is one of a type that cannot be compared.
type oddContext struct {
	context.Context
	_ []int
}

func TestAFamiliarContextNeedNotBeComparable(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		inARow(t, oddContext{Context: ctx}, seven)
	})
}

// A context is not kept when its tasks are over.
func TestAFamiliarContextIsForgotten(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		gone := make(chan struct{})
		func() {
			inner, cancel := context.WithCancel(ctx)
			defer cancel()
			value := new([64]int)
			runtime.AddCleanup(value, func(struct{}) { close(gone) }, struct{}{})
			inARow(t, context.WithValue(inner, value, value), seven)
		}()
		for {
			runtime.GC()
			select {
			case <-gone:
				return
			default:
				runtime.Gosched()
			}
		}
	})
}
