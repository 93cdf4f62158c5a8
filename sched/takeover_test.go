package sched

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/future"
)

// Whoever runs it, the caller or a worker, a task of Go ends as its function does, and is counted once.
func TestATaskThatItsCallerMayTakeOverEndsAsItsFunctionDoes(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		before := s.Stats()
		const n = 300
		for i := range n {
			switch v, err := Go(ctx, func(t *Task) (int, error) { return fib(t, 10) + i, nil }).Await(ctx); {
			case err != nil || v != 55+i:
				t.Fatal(v, err)
			}
			broken := errors.New("broken")
			if _, err := Go(ctx, func(*Task) (int, error) { return 0, broken }).Await(ctx); err != broken { //nolint:errorlint // itself
				t.Fatal(err)
			}
			var p *PanicError
			if _, err := Go(ctx, func(*Task) (int, error) { panic(i) }).Await(ctx); !errors.As(err, &p) || p.Value != i {
				t.Fatal(err)
			}
			if _, err := Go(ctx, func(*Task) (int, error) { runtime.Goexit(); return 0, nil }).Await(ctx); err != ErrGoexit { //nolint:errorlint // itself
				t.Fatal(err)
			}
		}
		after := s.Stats()
		if tasks := after.Tasks - before.Tasks; tasks != 4*n {
			t.Errorf("%d tasks counted, %d run", tasks, 4*n)
		}
		if after.Panicked-before.Panicked != n || after.Goexits-before.Goexits != n {
			t.Errorf("%+v", after)
		}
	})
}

// A caller that is locked to its thread cannot resume what another has made, nor the other way round.
func TestLockedAndFreeCallersTakeTurnsInTakingOver(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		for i := range 100 {
			if i%2 == 0 {
				runtime.LockOSThread()
			}
			for range 3 {
				if n, err := Go(ctx, func(t *Task) (int, error) { return fib(t, 5), nil }).Await(ctx); n != 5 || err != nil {
					t.Fatal(n, err)
				}
			}
			if i%2 == 0 {
				runtime.UnlockOSThread()
			}
		}
	})
}

// A task that is cancelled before anybody has begun it is not run by who awaits it.
func TestACancelledTaskIsNotTakenOver(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(1), withoutStandIns())
	release := occupy(s, ctx)
	stop := errors.New("stop")
	f := Go(ctx, func(*Task) (int, error) { t.Error("the task ran"); return 0, nil })
	if !f.Cancel(stop) {
		t.Error("not cancelled")
	}
	if _, err := f.Await(ctx); err != stop { //nolint:errorlint // itself
		t.Error(err)
	}
	over, cancel := context.WithCancel(ctx)
	g := Go(over, func(*Task) (int, error) { t.Error("the task ran"); return 0, nil })
	cancel()
	release()
	if _, err := g.Await(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// While workers have no seat to spare, what is awaited waits for one, and nothing is lost.
func TestWithoutASeatATaskIsNotTakenOver(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(2), withoutStandIns())
	release := occupy(s, ctx)
	f := Go(ctx, func(t *Task) (int, error) { return fib(t, 10), nil })
	_, err := f.Await(ctxDone())
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	release()
	if n, err := f.Await(ctx); n != 55 || err != nil {
		t.Error(n, err)
	}
}

func ctxDone() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// A wait that can be cancelled must not run the task on the goroutine that waits.
func TestAWaitWithADeadlineEndsBeforeTheTask(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		for range 20 {
			end := make(chan struct{})
			f := Go(ctx, func(*Task) (int, error) { <-end; return 1, nil })
			short, cancel := context.WithTimeout(ctx, time.Microsecond)
			if _, err := f.Await(short); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			cancel()
			close(end)
			if n, err := f.Await(ctx); n != 1 || err != nil {
				t.Error(n, err)
			}
		}
	})
}

// A task that was taken over waits like any other: for its forks, for tasks, and for what only its caller's pool can do.
func TestATaskThatWasTakenOverMayWait(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		for i := range 200 {
			n, err := Go(ctx, func(t *Task) (int, error) {
				f := Go(t, func(t *Task) (int, error) { Yield(t); return i, nil })
				x := fib(t, 12)
				y, err := f.Await(t)
				return x + y, err
			}).Await(ctx)
			if n != 144+i || err != nil {
				t.Fatal(n, err)
			}
		}
	})
}

// Many goroutines start and await while the scheduler is closed: each task ran, or says that the scheduler is closed.
func TestTakingOverWhileTheSchedulerCloses(t *testing.T) {
	for range 50 {
		s, err := New(WithoutEnvironment(), WithWorkers(2))
		if err != nil {
			t.Fatal(err)
		}
		ctx := With(context.Background(), s)
		g := make(chan error)
		const callers = 4
		for range callers {
			go func() {
				for {
					ran := false
					_, err := Go(ctx, func(*Task) (int, error) { ran = true; return 0, nil }).Await(ctx)
					if ran != (err == nil) {
						g <- errors.Join(errors.New("a task ran and its future says otherwise"), err)
						return
					}
					if errors.Is(err, ErrClosed) {
						g <- nil
						return
					}
					if err != nil {
						g <- err
						return
					}
				}
			}()
		}
		if err := s.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
		for range callers {
			if err := <-g; err != nil {
				t.Error(err)
			}
		}
	}
}

// Where tasks were taken over at once, the next one wakes no worker, for it will be, too. If it is not, it runs all the same.
func TestATaskThatNobodyAwaitsRunsWhereOthersWereTakenOver(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	for _, together := range []int{1, 3} {
		ran := make(chan int, together)
		for range 20 {
			for i := range 2000 { // until all workers sleep
				if v, err := startFrom(ctx, i, ran).Await(context.Background()); v != i || err != nil {
					t.Fatal(v, err)
				}
				<-ran
			}
			for i := range together {
				startFrom(ctx, i, ran)
			}
			for range together {
				<-ran
			}
		}
	}
}

// Where tasks were taken over at once, the next one may be awaited by several at a time, all of which may run it, and by nobody first: it
// runs once, and all get its value.
func TestATaskThatIsKeptForItsCallerRunsOnceForAll(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	patient, cancel := context.WithCancel(context.Background())
	defer cancel()
	for range 100 {
		ran := make(chan int, 2)
		for i := range 200 {
			if v, err := startFrom(ctx, i, ran).Await(context.Background()); v != i || err != nil {
				t.Fatal(v, err)
			}
			<-ran
		}
		f := startFrom(ctx, -1, ran)
		var g sync.WaitGroup
		for _, under := range []context.Context{context.Background(), context.Background(), patient} {
			g.Go(func() {
				if v, err := f.Await(under); v != -1 || err != nil {
					t.Error(v, err)
				}
			})
		}
		g.Wait()
		if <-ran; len(ran) != 0 {
			t.Fatal("the task ran more than once")
		}
	}
}

// A task that is kept for its caller when the scheduler is closed ends like any other that has not begun, and is not lost.
func TestClosingWhileATaskIsKeptForItsCaller(t *testing.T) {
	for i := range 50 {
		s, ctx := newScheduler(t, WithWorkers(2))
		ran := make(chan int, 1)
		for i := range 200 {
			if v, err := startFrom(ctx, i, ran).Await(context.Background()); v != i || err != nil {
				t.Fatal(v, err)
			}
			<-ran
		}
		f := startFrom(ctx, 7, ran)
		end := s.Close
		if i%2 == 0 {
			end = func() error { return s.Shutdown(context.Background()) }
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		v, err, ok := f.Poll()
		if !ok || err == nil && v != 7 || err != nil && (i%2 == 0 || !errors.Is(err, ErrClosed)) {
			t.Fatal(v, err, ok)
		}
		if _, err := startFrom(ctx, 8, ran).Await(context.Background()); !errors.Is(err, ErrClosed) {
			t.Fatal("after closing:", err)
		}
	}
}

// startFrom is one place, from which all tasks are started: it must not be inlined.
//
//go:noinline
func startFrom(ctx context.Context, i int, ran chan int) *future.Future[int] {
	return Go(ctx, func(*Task) (int, error) { ran <- i; return i, nil })
}
