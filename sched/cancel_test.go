package sched

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/lock"
)

func TestCancellingAFutureCancelsItsTaskWithThatCause(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for name, wait := range map[string]func(task *Task) error{
			"a future": func(task *Task) error {
				_, err := future.NewPromise[int]().Future().Await(task)
				return err
			},
			"a lock": func(task *Task) error {
				var mu lock.Mutex
				_ = mu.TryLock()
				return mu.Lock(task)
			},
			"a derived context": func(task *Task) error {
				ctx, cancel := context.WithTimeout(task, time.Hour)
				defer cancel()
				_, err := future.NewPromise[int]().Future().Await(ctx)
				return err
			},
			"in place": func(task *Task) error {
				_, err := Run(task, func(inner *Task) (int, error) { return future.NewPromise[int]().Future().Await(inner) })
				return err
			},
			"done": func(task *Task) error { <-task.Done(); return task.Err() },
			"a goroutine": func(task *Task) error {
				_, err := Blocking(context.Background(), func() (int, error) {
					<-task.Done()
					return 0, task.Err()
				})
				return err
			},
		} {
			begun, ended := make(chan struct{}), make(chan error, 1)
			f := Go(ctx, func(task *Task) (int, error) {
				close(begun)
				err := wait(task)
				if context.Cause(task) != io.ErrClosedPipe {
					err = fmt.Errorf("cause %w", context.Cause(task))
				}
				ended <- err
				return 1, nil
			})
			<-begun
			if !f.Cancel(io.ErrClosedPipe) {
				t.Errorf("%s: not cancelled", name)
			}
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := f.Await(ctx); err != io.ErrClosedPipe {
				t.Errorf("%s: the future has %v", name, err)
			}
		}
	})
}

func TestCancellingAFutureLeavesWaitsUnderOtherContextsAlone(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		p := future.NewPromise[int]()
		begun, ended := make(chan struct{}), make(chan error, 1)
		f := Go(ctx, func(*Task) (int, error) {
			close(begun)
			_, err := p.Future().Await(context.Background())
			ended <- err
			return 0, nil
		})
		<-begun
		f.Cancel(nil)
		p.Resolve(1)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestCancellingAFutureReachesStolenForks(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(2))
	kind := NewFork[int, error]()
	begun, ended := make(chan struct{}), make(chan error, 1)
	f := Go(ctx, func(task *Task) (int, error) {
		waits := func(t *Task, _ int) error {
			// A stolen fork of a stolen fork, whose handle is not the task's.
			inner := kind.Fork(t, func(t *Task, _ int) error {
				close(begun)
				_, err := future.NewPromise[int]().Future().Await(t)
				if t == task || context.Cause(t) != io.EOF || t.Parent() != ctx {
					err = fmt.Errorf("cause %w", context.Cause(t))
				}
				return err
			}, 0)
			<-begun // another worker has it
			return inner.Join(t)
		}
		ended <- waits(task, 0)
		return 0, nil
	})
	<-begun
	f.Cancel(io.EOF)
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v; %+v", err, s.Stats())
	}
}

func TestATaskWhoseFutureIsCancelledInTimeDoesNotBegin(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(1), withoutStandIns())
	var ran atomic.Int64
	hold := make(chan struct{})
	begun := make(chan struct{})
	Go(ctx, func(*Task) (int, error) { close(begun); <-hold; return 0, nil })
	<-begun
	fs := make([]*future.Future[int], 100)
	for i := range fs {
		fs[i] = Go(ctx, func(*Task) (int, error) { ran.Add(1); return 0, nil })
	}
	for _, f := range fs {
		f.Cancel(nil)
	}
	last := Go(ctx, func(*Task) (int, error) { return 0, nil })
	close(hold)
	if _, err := last.Await(ctx); err != nil || ran.Load() != 0 {
		t.Errorf("%v; %d of the cancelled tasks ran", err, ran.Load())
	}
	if fs[0].Cancel(io.EOF) {
		t.Error("cancelled twice")
	}
	if last.Cancel(nil) {
		t.Error("cancelled after the end")
	}
}

// A task that ends while it is cancelled either has its value seen or the cancellation, and its waits end either way.
func TestCancellationRacesTheEndOfTheTaskAndOfItsWaits(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		rounds := 2000
		if testing.Short() || raceEnabled {
			rounds = 200
		}
		for range rounds {
			p := future.NewPromise[int]()
			f := Go(ctx, func(task *Task) (int, error) { return p.Future().Await(task) })
			resolved := make(chan struct{})
			go func() { p.TryResolve(3); close(resolved) }()
			won := f.Cancel(io.EOF)
			<-resolved
			n, err := f.Await(ctx)
			if won && err != io.EOF || !won && (n != 3 || err != nil) {
				t.Fatalf("cancelled: %t, got %d, %v", won, n, err)
			}
		}
	})
}

func TestLosersOfARaceAreCancelledTasks(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		causes := make(chan error, 1)
		slow := Go(ctx, func(task *Task) (int, error) {
			_, err := future.NewPromise[int]().Future().Await(task)
			causes <- context.Cause(task)
			return 0, err
		})
		quick := Go(ctx, func(*Task) (int, error) { return 7, nil })
		if n, err := future.Race(slow, quick).Await(ctx); n != 7 || err != nil {
			t.Error(n, err)
		}
		if _, err := slow.Await(ctx); err != future.ErrNotNeeded { // which it is told after the winner has been announced
			t.Errorf("the loser ended with %v", err)
		}
		// A loser that had not begun never does, and says nothing.
		select {
		case cause := <-causes:
			if cause != future.ErrNotNeeded {
				t.Error(cause)
			}
		default:
		}
	})
}

func TestTheContextOfATask(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		type name struct{}
		errLate := errors.New("late")
		outer, cancel := context.WithDeadlineCause(context.WithValue(ctx, name{}, "v"), time.Now().Add(time.Hour), errLate)
		defer cancel()
		var kept *Task
		called := make(chan error, 1)
		_, err := Go(outer, func(task *Task) (int, error) {
			kept = task
			if task.Value(name{}) != "v" {
				t.Error("the value is lost")
			}
			want, _ := outer.Deadline()
			if d, ok := task.Deadline(); !ok || !d.Equal(want) {
				t.Errorf("deadline %v, %t", d, ok)
			}
			if task.Err() != nil || context.Cause(task) != nil {
				t.Errorf("error %v, cause %v", task.Err(), context.Cause(task))
			}
			context.AfterFunc(task, func() { called <- context.Cause(task) })
			stop := context.AfterFunc(task, func() { t.Error("called although stopped") })
			if !stop() {
				t.Error("not stopped")
			}
			return 0, nil
		}).Await(ctx)
		if err != nil {
			t.Fatal(err)
		}
		// After the end.
		if err := <-called; err != context.Canceled {
			t.Errorf("AfterFunc was called with cause %v", err)
		}
		<-kept.Done()
		if kept.Err() != context.Canceled || kept.Value(name{}) != "v" {
			t.Errorf("after the end: error %v, value %v", kept.Err(), kept.Value(name{}))
		}
		derived, cancelDerived := context.WithCancel(kept)
		defer cancelDerived()
		if derived.Err() != context.Canceled {
			t.Errorf("derived after the end: %v", derived.Err())
		}
		if _, err := future.NewPromise[int]().Future().Await(kept); err != context.Canceled {
			t.Errorf("waiting under the context of an ended task: %v", err)
		}
		_, err = Go(ctx, func(*Task) (int, error) { return future.NewPromise[int]().Future().Await(kept) }).Await(ctx)
		if err != context.Canceled {
			t.Errorf("a task waiting under the context of an ended task: %v", err)
		}
	})
}

func TestATasksDeadlineEndsItsWaitsWithItsCause(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		errLate := errors.New("late")
		for d, begun := time.Millisecond, false; !begun; d *= 2 { // a task that has not begun by then never will
			ctx, cancel := context.WithTimeoutCause(ctx, d, errLate)
			_, err := Run(ctx, func(task *Task) (int, error) {
				begun = true
				_, err := future.NewPromise[int]().Future().Await(task)
				return 0, errors.Join(err, context.Cause(task))
			})
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || begun && !errors.Is(err, errLate) {
				t.Error(err)
			}
		}
	})
}

func TestClosingASchedulerIsTheCauseOfItsTasks(t *testing.T) {
	for _, asked := range []bool{false, true} { // whether somebody has asked for Done before
		s, ctx := newScheduler(t, WithWorkers(2))
		begun := make(chan struct{})
		f := Go(ctx, func(task *Task) (int, error) {
			if asked {
				task.Done()
			}
			close(begun)
			_, err := future.NewPromise[int]().Future().Await(task)
			if err != context.Canceled {
				t.Errorf("waiting: %v", err)
			}
			return 0, context.Cause(task)
		})
		<-begun
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Await(context.Background()); err != ErrClosed {
			t.Errorf("Done asked for: %t: cause %v", asked, err)
		}
	}
}

func TestAwaitingOneselfPanics(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for name, await := range map[string]func(task *Task, f *future.Future[int]) (int, error){
			"directly": func(task *Task, f *future.Future[int]) (int, error) { return f.Await(task) },
			"in place": func(task *Task, f *future.Future[int]) (int, error) {
				return Run(task, func(task *Task) (int, error) { return f.Await(task) })
			},
			"in a fork": func(task *Task, f *future.Future[int]) (int, error) {
				_, err := Join(task, func(*Task) int { return 0 }, func(t *Task) error { _, err := f.Await(t); return err })
				return 0, err
			},
		} {
			own := future.NewPromise[*future.Future[int]]()
			f := Go(ctx, func(task *Task) (int, error) {
				f, err := own.Future().Await(task)
				if err != nil {
					return 0, err
				}
				return await(task, f)
			})
			own.Resolve(f)
			var p *PanicError
			if _, err := f.Await(ctx); !errors.As(err, &p) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
