package sched

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strings"
	"testing"
)

// labelsHere returns the profiler's labels of the calling goroutine, as a goroutine profile has them.
//
//go:noinline
func labelsHere(t *testing.T) (labels string) {
	var buf bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&buf, 1); err != nil {
		t.Fatal(err)
	}
	for _, record := range strings.Split(buf.String(), "\n\n") {
		if strings.Contains(record, "sched.labelsHere") {
			if m := regexp.MustCompile(`# labels: (.*)`).FindStringSubmatch(record); m != nil {
				return m[1]
			}
			return ""
		}
	}
	t.Error("the calling goroutine is not in the profile")
	return ""
}

func TestTasksHaveTheLabelsOfTheirSubmitter(t *testing.T) {
	check := func(t *testing.T, ctx context.Context) {
		const want = `{"who":"me"}`
		none := func(when string) {
			for range 3 { // on whatever worker
				_, err := Go(ctx, func(*Task) (int, error) {
					if got := labelsHere(t); got != "" {
						t.Errorf("%s: a task of nobody has %s", when, got)
					}
					return 0, nil
				}).Await(ctx)
				if err != nil {
					t.Error(err)
				}
			}
		}
		pprof.Do(ctx, pprof.Labels("who", "me"), func(ctx context.Context) {
			for name, run := range map[string]func(f func(*Task) (int, error)) (int, error){
				"Run": func(f func(*Task) (int, error)) (int, error) { return Run(ctx, f) },
				"Go":  func(f func(*Task) (int, error)) (int, error) { return Go(ctx, f).Await(ctx) },
				"Go in a task": func(f func(*Task) (int, error)) (int, error) {
					return Run(ctx, func(t *Task) (int, error) { return Go(t, f).Await(t) })
				},
				"Group": func(f func(*Task) (int, error)) (int, error) {
					g := NewGroup(ctx)
					g.Go(func(t *Task) error { _, err := f(t); return err })
					return 0, g.Wait()
				},
			} {
				_, err := run(func(task *Task) (int, error) {
					if got := labelsHere(t); got != want {
						t.Errorf("%s: labels %q", name, got)
					}
					if who, _ := pprof.Label(task, "who"); who != "me" {
						t.Errorf("%s: label %q in the context", name, who)
					}
					return 0, nil
				})
				if err != nil {
					t.Error(err)
				}
			}
			for _, end := range []func(){func() { panic("ends with its labels") }, runtime.Goexit} {
				if _, err := Go(ctx, func(*Task) (int, error) { end(); return 0, nil }).Await(ctx); err == nil {
					t.Error("no error")
				}
			}
		})
		none("after labelled tasks")
	}
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) { check(t, ctx) })
	t.Run("sequential", func(t *testing.T) {
		_, ctx := sequential(t)
		check(t, ctx)
	})
}

func TestAStolenForkHasTheLabelsOfItsTask(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	kind := NewFork[int, string]()
	for _, start := range []func(context.Context, func(*Task) (string, error)) (string, error){
		Run[string],
		func(ctx context.Context, f func(*Task) (string, error)) (string, error) { return Go(ctx, f).Await(ctx) },
	} {
		pprof.Do(ctx, pprof.Labels("who", "me"), func(ctx context.Context) {
			got, err := start(ctx, func(task *Task) (string, error) {
				stolen := make(chan struct{})
				f := kind.Fork(task, func(*Task, int) string { close(stolen); return labelsHere(t) }, 0)
				<-stolen
				return f.Join(task), nil
			})
			if got != `{"who":"me"}` || err != nil {
				t.Errorf("labels %q, %v", got, err)
			}
		})
	}
}

// A worker is made by the first who needs it, as a goroutine, which would have its maker's labels for ever.
func TestAWorkerDoesNotKeepTheLabelsOfWhoStartedIt(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(1))
	pprof.Do(context.Background(), pprof.Labels("who", "me"), func(context.Context) {
		got, err := Go(ctx, func(*Task) (string, error) { return labelsHere(t), nil }).Await(ctx)
		if got != "" || err != nil {
			t.Errorf("labels %q, %v", got, err)
		}
	})
}

func TestTasksAreRegionsOfATrace(t *testing.T) {
	if trace.IsEnabled() {
		t.Skip("the test itself is being traced")
	}
	_, ctx := newScheduler(t, WithWorkers(2))
	var buf bytes.Buffer
	if err := trace.Start(&buf); err != nil {
		t.Fatal(err)
	}
	ctx, task := trace.NewTask(ctx, "submitter")
	_, err := Go(ctx, regionOfTheTest).Await(ctx)
	_, err2 := Go(ctx, func(*Task) (int, error) { runtime.Goexit(); return 0, nil }).Await(ctx)
	task.End()
	trace.Stop()
	if err != nil || !errors.Is(err2, ErrGoexit) {
		t.Error(err, err2)
	}
	if !bytes.Contains(buf.Bytes(), []byte("regionOfTheTest")) {
		t.Error("the trace has no region with the name of the task's function")
	}
}

func regionOfTheTest(*Task) (int, error) { return 0, nil }
