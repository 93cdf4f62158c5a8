package sched

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/future"
)

// In a pool of one worker a task waits natively, on a channel, for what only another task of the same pool will do.
func TestATaskMayWaitNativelyForAnotherOfItsPool(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(1))
	for range 20 {
		c := make(chan int)
		n, err := onWorker(ctx, func(t *Task) (int, error) {
			g := Go(t, func(*Task) (int, error) { c <- 7; return 1, nil })
			n := <-c
			m, err := g.Await(t)
			return n + m, err
		})
		if n != 8 || err != nil {
			t.Fatal(n, err)
		}
	}
	if s.Stats().Relieved == 0 {
		t.Error("nobody was relieved")
	}
}

// blockACaller has a task run on the calling goroutine that waits natively for another.
func blockACaller(t *testing.T, ctx context.Context) {
	t.Helper()
	n, err := asGuest(ctx, func(t *Task) (int, error) {
		c := make(chan int)
		Go(t, func(*Task) (int, error) { c <- 7; return 1, nil })
		return <-c, nil
	})
	if n != 7 || err != nil {
		t.Fatal(n, err)
	}
}

// The same for a task that runs on its caller's goroutine and holds the only seat.
func TestACallerMayWaitNativelyForAnotherTask(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(1))
	for range 5 {
		blockACaller(t, ctx)
	}
}

// The same again and again, each time a bit after the worker has become idle: whoever submits while the worker counts as searching
// leaves the rest to it, also if it then parks because the caller has the only seat.
func TestACallerMayBlockJustWhenTheWorkerParks(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(1))
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		if _, err := onWorker(ctx, func(*Task) (int, error) { return 0, nil }); err != nil {
			t.Fatal(err)
		}
		for began, n := time.Now(), rng.IntN(150); time.Since(began) < time.Duration(n)*time.Microsecond; {
		}
		blockACaller(t, ctx)
	}
}

// The same while other goroutines keep every P busy and more of them wait for one, so that a worker that waits for the other task
// looks like one that only waits for a P.
func TestATaskMayWaitNativelyInABusyProgram(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(1))
	var over atomic.Bool
	var busy sync.WaitGroup
	defer busy.Wait()
	defer over.Store(true)
	for range 3 * runtime.GOMAXPROCS(0) {
		busy.Go(func() {
			for !over.Load() {
				_ = time.Now() // lets others have the P without asynchronous preemption, too
			}
		})
	}
	c := make(chan int)
	n, err := onWorker(ctx, func(t *Task) (int, error) {
		Go(t, func(*Task) (int, error) { c <- 7; return 1, nil })
		return <-c, nil
	})
	if n != 7 || err != nil {
		t.Error(n, err)
	}
}

// A chain of tasks, each of which waits natively for the next: as many spares as links.
func TestAChainOfTasksThatWaitNatively(t *testing.T) {
	for _, workers := range []int{1, 2} {
		_, ctx := newScheduler(t, WithWorkers(workers))
		const links = 40
		var link func(n int) (int, error)
		link = func(n int) (int, error) {
			if n == 0 {
				return 0, nil
			}
			c := make(chan int)
			Go(ctx, func(*Task) (int, error) {
				m, err := link(n - 1)
				c <- m + 1
				return 0, err
			})
			return <-c, nil
		}
		n, err := Go(ctx, func(*Task) (int, error) { return link(links) }).Await(ctx)
		if n != links || err != nil {
			t.Fatal(n, err)
		}
	}
}

// What Fork promises instead: the forks of a task that is suspended are all within reach, of the only worker there is, too.
func TestATaskMayWaitForItsForksIfThatSuspendsIt(t *testing.T) {
	const forks = 3
	for name, wait := range map[string]func(t *Task, done *future.Promise[int], c chan int) error{
		"a future": func(t *Task, done *future.Promise[int], _ chan int) error { return second(done.Future().Await(t)) },
		"inside Blocking": func(t *Task, _ *future.Promise[int], c chan int) error {
			return second(Blocking(t, func() (int, error) { return <-c, nil }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, workers := range []int{1, 2, 8} {
				_, ctx := newScheduler(t, WithWorkers(workers))
				for awaited := range forks {
					done, c := future.NewPromise[int](), make(chan int, 1)
					kind := NewFork[int, int]()
					_, err := onWorker(ctx, func(t *Task) (int, error) {
						var all [forks]Forked[int, int]
						for i := range all {
							all[i] = kind.Fork(t, func(_ *Task, i int) int {
								if i == awaited {
									done.Resolve(i)
									c <- i
								}
								return i
							}, i)
						}
						if err := wait(t, done, c); err != nil {
							return 0, err
						}
						for i := range all {
							if got, want := all[forks-1-i].Join(t), forks-1-i; got != want {
								return 0, fmt.Errorf("fork %d gave %d", want, got)
							}
						}
						return 0, nil
					})
					if err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// Workers block and come back all the time, while tasks fork and wait: nothing is lost, and the scheduler closes.
func TestWorkersThatBlockNowAndThen(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		s, ctx := newScheduler(t, WithWorkers(workers))
		var mu sync.Mutex
		ran := 0
		g := NewGroup(ctx)
		const n = 300
		for i := range n {
			g.Go(func(t *Task) error {
				if got := fib(t, 10); got != 55 {
					return context.Canceled
				}
				if i%10 == 0 {
					time.Sleep(3 * time.Millisecond) // the blocking that this is about
				}
				f := Go(t, func(t *Task) (int, error) { return fib(t, 8), nil })
				if _, err := f.Await(t); err != nil {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				ran++
				return nil
			})
		}
		if err := g.Wait(); err != nil || ran != n {
			t.Fatal(ran, err)
		}
		if err := s.Shutdown(ctx); err != nil {
			t.Fatal(err)
		}
	}
}
