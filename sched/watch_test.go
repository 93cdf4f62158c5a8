package sched

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pinwheel-sched/pinwheel/future"
)

// asked is a context that counts the calls that it has been asked for and has not made.
type asked struct {
	context.Context
	calls atomic.Int64
}

// Value hides from package context, whose keys are pointers to int, what the context is made of: so it must ask by AfterFunc.
func (a *asked) Value(key any) any {
	if _, ok := key.(*int); ok {
		return nil
	}
	return a.Context.Value(key)
}

func (a *asked) AfterFunc(f func()) func() bool {
	a.calls.Add(1)
	stop := context.AfterFunc(a.Context, func() { a.calls.Add(-1); f() })
	return func() bool {
		stopped := stop()
		if stopped {
			a.calls.Add(-1)
		}
		return stopped
	}
}

// crowdUnder starts n tasks that wait for a promise under ctx, and returns when all wait.
func crowdUnder(ctx context.Context, s *Scheduler, n int, p *future.Promise[int]) []*future.Future[int] {
	all := make([]*future.Future[int], n)
	var come sync.WaitGroup
	come.Add(n)
	for i := range all {
		all[i] = Go(ctx, func(t *Task) (int, error) {
			come.Done()
			return p.Future().Await(t)
		})
	}
	come.Wait()
	for s.Stats().Waiting < n {
		runtime.Gosched()
	}
	return all
}

func TestTasksOfOneContextAskItForOneCallOnEachWorker(t *testing.T) {
	const n, workers = 100, 2
	s, root := newScheduler(t, WithWorkers(workers), withoutStandIns())
	for _, cancels := range []bool{false, true} {
		inner, cancel := context.WithCancel(root)
		a := &asked{Context: inner}
		p := future.NewPromise[int]()
		all := crowdUnder(a, s, n, p)
		if calls := a.calls.Load(); calls < 1 || calls > workers {
			t.Errorf("%d calls for %d tasks on %d workers", calls, n, workers)
		}
		want := error(nil)
		if cancels {
			want = context.Canceled
			cancel()
		} else {
			p.Resolve(1)
		}
		for _, f := range all {
			if _, err := f.Await(context.Background()); !errors.Is(err, want) {
				t.Fatalf("cancelled %t: %v", cancels, err)
			}
		}
		if calls := a.calls.Load(); calls != 0 {
			t.Errorf("cancelled %t: %d calls are left behind", cancels, calls)
		}
		cancel()
	}
}

func TestAContextEndsTheWaitsOfItsOwnTasksOnly(t *testing.T) {
	const contexts, each = 9, 3 // more contexts than an executor remembers
	_, root := newScheduler(t, WithWorkers(1))
	p := future.NewPromise[int]()
	var under [contexts]context.Context
	var cancels [contexts]context.CancelFunc
	for i := range under {
		under[i], cancels[i] = context.WithCancel(root)
		defer cancels[i]()
	}
	var tasks [contexts][]*future.Future[int]
	var come sync.WaitGroup
	come.Add(contexts * each)
	for range each {
		for i, ctx := range under {
			tasks[i] = append(tasks[i], Go(ctx, func(t *Task) (int, error) {
				come.Done()
				return p.Future().Await(t)
			}))
		}
	}
	come.Wait()
	for i := range under {
		if i == contexts-1 {
			p.Resolve(1)
		} else {
			cancels[i]()
		}
		for _, f := range tasks[i] {
			if v, err := f.Await(context.Background()); (err == nil) != (v == 1) || (err == nil) != (i == contexts-1) {
				t.Errorf("a task of context %d has %d, %v", i, v, err)
			}
		}
		for j := i + 1; j < contexts-1; j++ {
			for _, f := range tasks[j] {
				if _, err, over := f.Poll(); over {
					t.Fatalf("a task of context %d has ended with that of %d: %v", j, i, err)
				}
			}
		}
	}
}

func TestTasksEndWhileTheirContextDoes(t *testing.T) {
	s, root := newScheduler(t, WithWorkers(2))
	for range 200 {
		ctx, cancel := context.WithCancel(root)
		p := future.NewPromise[int]()
		all := crowdUnder(ctx, s, 8, p)
		go cancel()
		p.Resolve(1)
		for _, f := range all {
			if v, err := f.Await(context.Background()); v != 1 && !errors.Is(err, context.Canceled) {
				t.Fatalf("%d, %v", v, err)
			}
		}
	}
}
