package sched

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/future"
)

func newQueue(t *testing.T, ctx context.Context, opts ...QueueOption) *Queue {
	t.Helper()
	q, err := NewQueue(ctx, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// withoutStandIns has nobody stand in for a worker whose task blocks natively, so that a test can keep workers from other tasks.
func withoutStandIns() Option {
	return func(c *config) error { c.spares = 0; return nil }
}

// occupy keeps all workers of s, which must be without stand-ins, from other tasks until release is called.
func occupy(s *Scheduler, ctx context.Context) (release func()) {
	hold := make(chan struct{})
	var begun, ended sync.WaitGroup
	for range s.Workers() {
		begun.Add(1)
		ended.Add(1)
		Go(ctx, func(*Task) (int, error) { begun.Done(); <-hold; ended.Done(); return 0, nil })
	}
	begun.Wait()
	return func() { close(hold); ended.Wait() }
}

func nothing(*Task) (int, error) { return 0, nil }

func TestAFullQueueDoesAsItWasTold(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		fill := func(full WhenFull) (*Queue, []*future.Future[int], func()) {
			q := newQueue(t, ctx, Capacity(3, full))
			release := occupy(s, ctx)
			var fs []*future.Future[int]
			for i := range 3 {
				fs = append(fs, GoIn(ctx, q, func(*Task) (int, error) { return i, nil }))
			}
			if q.Len() != 3 {
				t.Errorf("length %d", q.Len())
			}
			return q, fs, release
		}
		check := func(fs []*future.Future[int], want error) {
			t.Helper()
			for i, f := range fs {
				if n, err := f.Await(ctx); err != want || err == nil && n != i {
					t.Errorf("task %d: %d, %v", i, n, err)
				}
			}
		}

		q, fs, release := fill(Fail)
		check([]*future.Future[int]{GoIn(ctx, q, nothing)}, ErrFull)
		check([]*future.Future[int]{GoKeyed(ctx, q, "k", nothing)}, ErrFull)
		release()
		check(fs, nil)

		q, fs, release = fill(DropOldest)
		for i := range 100 {
			fs = append(fs, GoIn(ctx, q, func(*Task) (int, error) { return i, nil }))
		}
		check(fs[:100], ErrFull)
		release()
		for i, f := range fs[100:] {
			if n, err := f.Await(ctx); n != 97+i || err != nil {
				t.Errorf("a young task: %d, %v", n, err)
			}
		}

		q, fs, release = fill(RunHere)
		ran := false
		check([]*future.Future[int]{GoIn(ctx, q, func(*Task) (int, error) { ran = true; return 0, nil })}, nil)
		if !ran {
			t.Error("not run in the caller")
		}
		release()
		check(fs, nil)

		q, fs, release = fill(Block)
		gone, cancel := context.WithCancel(ctx)
		cancel()
		check([]*future.Future[int]{GoIn(gone, q, nothing)}, context.Canceled)
		got := make(chan *future.Future[int])
		go func() { got <- GoIn(ctx, q, nothing) }()
		release()
		check([]*future.Future[int]{<-got}, nil)
		check(fs, nil)
		if q.Len() != 0 || q.out != 0 || q.first != nil || len(q.strands) != 0 {
			t.Errorf("left: %d tasks, %d out, %d strands", q.Len(), q.out, len(q.strands))
		}
	}, withoutStandIns())
}

// A task may submit to its own full queue, and wait: its worker goes on with what is in the queue.
func TestTasksSubmitToTheirOwnFullQueueAndWait(t *testing.T) {
	for _, full := range []WhenFull{Block, RunHere} {
		everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
			q := newQueue(t, ctx, Capacity(1, full))
			var tree func(t *Task, depth int) (int, error)
			tree = func(task *Task, depth int) (int, error) {
				if depth == 0 {
					return 1, nil
				}
				sum := 0
				var fs []*future.Future[int]
				for range 3 {
					fs = append(fs, GoIn(task, q, func(t *Task) (int, error) { return tree(t, depth-1) }))
				}
				for _, f := range fs {
					n, err := f.Await(task)
					if err != nil {
						return 0, err
					}
					sum += n
				}
				return sum, nil
			}
			if n, err := Run(ctx, func(t *Task) (int, error) { return tree(t, 5) }); n != 243 || err != nil {
				t.Error(n, err)
			}
		})
	}
}

func TestUrgentTasksComeFirstAndStarveNobody(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(1), withoutStandIns())
	urgent := newQueue(t, ctx, Urgent())
	release := occupy(s, ctx)
	var mu sync.Mutex
	var order []string
	note := func(what string) func(*Task) (int, error) {
		return func(*Task) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, what)
			return 0, nil
		}
	}
	last := Go(ctx, note("normal"))
	first := GoIn(ctx, urgent, note("urgent"))
	release()
	_, err := last.Await(ctx)
	_, err2 := first.Await(ctx)
	if err != nil || err2 != nil || !slices.Equal(order, []string{"urgent", "normal"}) {
		t.Error(order, err, err2)
	}

	// Urgent tasks that beget urgent tasks.
	var stop atomic.Bool
	var beget func(t *Task) (int, error)
	beget = func(task *Task) (int, error) {
		if !stop.Load() {
			GoIn(task, urgent, beget)
		}
		return 0, nil
	}
	GoIn(ctx, urgent, beget)
	for range 10 {
		if _, err := Go(ctx, nothing).Await(ctx); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
}

func TestAnUrgentTaskInterruptsWhatComputes(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(1))
	urgent := newQueue(t, ctx, Urgent())
	var told atomic.Bool
	begun := make(chan struct{})
	f := Go(ctx, func(t *Task) (int, error) {
		close(begun)
		for !told.Load() {
			Yield(t)
		}
		return 0, nil
	})
	<-begun
	GoIn(ctx, urgent, func(*Task) (int, error) { told.Store(true); return 0, nil })
	if _, err := f.Await(ctx); err != nil {
		t.Error(err)
	}
}

func TestTasksOfAKeyRunInOrderOneAtATimeOnOneWorker(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		q := newQueue(t, ctx)
		const keys, each = 10, 50
		var lists [keys][]int
		var workers [keys]map[int]bool
		var g sync.WaitGroup
		for key := range keys {
			workers[key] = map[int]bool{}
			g.Go(func() {
				var fs []*future.Future[int]
				for i := range each {
					fs = append(fs, GoKeyed(ctx, q, key, func(task *Task) (int, error) {
						if i%7 == 0 { // it waits, and still the next must not begin
							if _, err := Go(task, nothing).Await(task); err != nil {
								return 0, err
							}
						}
						lists[key] = append(lists[key], i) // no lock: one at a time
						workers[key][task.Worker()] = true
						if i%11 == 0 {
							panic(io.EOF)
						}
						return 0, nil
					}))
				}
				for i, f := range fs {
					if _, err := f.Await(ctx); errors.Is(err, io.EOF) != (i%11 == 0) {
						t.Error(err)
					}
				}
			})
		}
		g.Wait()
		for key, list := range lists {
			if len(list) != each || !slices.IsSorted(list) || len(workers[key]) != 1 {
				t.Errorf("key %d: %v on workers %v", key, list, workers[key])
			}
		}
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if len(q.strands) != 0 {
			t.Errorf("%d strands are left", len(q.strands))
		}
	})
}

func TestTasksOfDifferentKeysWaitForEachOther(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(1)) // all keys have the same worker
	q := newQueue(t, ctx)
	p := future.NewPromise[int]()
	a := GoKeyed(ctx, q, "a", func(t *Task) (int, error) { return p.Future().Await(t) })
	next := GoKeyed(ctx, q, "a", nothing)
	b := GoKeyed(ctx, q, 1, func(*Task) (int, error) { p.Resolve(3); return 0, nil })
	for _, f := range []*future.Future[int]{a, next, b} {
		if _, err := f.Await(ctx); err != nil {
			t.Error(err)
		}
	}
}

func TestKeyedTasksStarveNobody(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(1))
	q := newQueue(t, ctx)
	var stop atomic.Bool
	var beget func(key int) func(t *Task) (int, error)
	beget = func(key int) func(t *Task) (int, error) {
		return func(t *Task) (int, error) {
			if !stop.Load() {
				GoKeyed(t, q, key, beget(key))
			}
			return 0, nil
		}
	}
	for key := range 4 {
		GoKeyed(ctx, q, key, beget(key))
	}
	for range 10 {
		if _, err := Go(ctx, nothing).Await(ctx); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
}

func TestACancelledTaskLeavesTheQueue(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(1), withoutStandIns())
	q := newQueue(t, ctx, Capacity(10, Fail))
	release := occupy(s, ctx)
	var fs []*future.Future[int]
	for range 10 {
		fs = append(fs, GoIn(ctx, q, func(*Task) (int, error) { t.Error("ran"); return 0, nil }))
	}
	keyed := GoKeyed(ctx, q, 1, nothing)
	if _, err := keyed.Await(ctx); err != ErrFull {
		t.Error(err)
	}
	for _, f := range fs {
		f.Cancel(io.EOF)
	}
	if q.Len() >= 10 {
		t.Errorf("%d tasks are left", q.Len())
	}
	again := GoIn(ctx, q, nothing)
	release()
	if _, err := again.Await(ctx); err != nil {
		t.Error(err)
	}
}

func TestClosingASchedulerWithTasksInAQueue(t *testing.T) {
	for _, closing := range []bool{false, true} {
		for _, workers := range []int{1, 2} {
			s, ctx := newScheduler(t, WithWorkers(workers), withoutStandIns())
			q := newQueue(t, ctx)
			release := occupy(s, ctx)
			var fs []*future.Future[int]
			for i := range 100 {
				fs = append(fs, GoIn(ctx, q, nothing), GoKeyed(ctx, q, i%3, nothing))
			}
			done := make(chan error)
			go func() {
				if closing {
					done <- s.Close()
				} else {
					done <- s.Shutdown(context.Background())
				}
			}()
			for !s.pool.Closed() {
				time.Sleep(0)
			}
			refused := GoIn(context.Background(), q, nothing)
			refusedToo := GoKeyed(context.Background(), q, "new", nothing)
			release()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			for _, f := range fs {
				if _, err, ok := f.Poll(); !ok || !closing && err != nil || closing && err != nil && !errors.Is(err, ErrClosed) {
					t.Fatalf("closing: %t: settled: %t, %v", closing, ok, err)
				}
			}
			for _, f := range []*future.Future[int]{refusedToo, refused} {
				if _, err, ok := f.Poll(); !ok || !errors.Is(err, ErrClosed) {
					// The one without a key had tasks before it, and may have been taken with them.
					if f == refusedToo || !ok || err != nil {
						t.Errorf("submitted late: settled: %t, %v", ok, err)
					}
				}
			}
			if _, err := GoIn(context.Background(), q, nothing).Await(ctx); !errors.Is(err, ErrClosed) {
				t.Errorf("after the end: %v", err)
			}
		}
	}
}

func TestASubmissionToAQueueThatRacesCloseRanOrReportedAnError(t *testing.T) {
	for round := range 100 {
		s, err := New(WithoutEnvironment(), WithWorkers(1+round%3))
		if err != nil {
			t.Fatal(err)
		}
		ctx := With(context.Background(), s)
		q := newQueue(t, ctx, Capacity(4, WhenFull(round%4)))
		var ran, refused atomic.Int64
		var all sync.WaitGroup
		const producers, each = 4, 20
		for producer := range producers {
			all.Go(func() {
				for i := range each {
					body := func(*Task) (int, error) { ran.Add(1); return 0, nil }
					var f *future.Future[int]
					if i%2 == 0 {
						f = GoIn(context.Background(), q, body)
					} else {
						f = GoKeyed(context.Background(), q, producer, body)
					}
					if _, err := f.Await(context.Background()); err != nil {
						refused.Add(1)
					}
				}
			})
		}
		if round%2 == 0 {
			err = s.Close()
		} else {
			err = s.Shutdown(context.Background())
		}
		all.Wait()
		if err != nil || ran.Load()+refused.Load() != producers*each {
			t.Fatalf("round %d: %v; %d ran, %d refused", round, err, ran.Load(), refused.Load())
		}
	}
}

func TestAQueueOfASequence(t *testing.T) {
	_, ctx := sequential(t)
	q := newQueue(t, ctx, Capacity(2, Block), Urgent())
	_, err := Run(ctx, func(task *Task) (int, error) {
		for i := range 10 {
			GoKeyed(task, q, i%2, nothing)
			GoIn(task, q, nothing)
		}
		return 0, nil
	})
	if err != nil || q.Len() != 0 {
		t.Error(err, q.Len())
	}
}

func TestBadQueueOptionsAreErrors(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(1))
	for _, o := range []QueueOption{Capacity(0, Block), Capacity(-1, Fail), Capacity(1, RunHere+1)} {
		if q, err := NewQueue(ctx, o); q != nil || err == nil {
			t.Errorf("%v, %v", q, err)
		}
	}
	q := newQueue(t, ctx)
	for name, f := range map[string]func(){
		"GoIn":    func() { GoIn[int](ctx, q, nil) },
		"GoKeyed": func() { GoKeyed[int](ctx, q, 1, nil) },
	} {
		if r := mustPanic(t, f); r == nil {
			t.Error(fmt.Sprint(name, r))
		}
	}
}
