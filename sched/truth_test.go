package sched

import (
	"context"
	"errors"
	"io"
	"iter"
	"math"
	"runtime"
	"testing"
	"time"

	"go.uber.org/atomic"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// A function of the user's that leaves by runtime.Goexit ends the task that calls it, and never the goroutine that awaits that: from a
// goroutine all algorithms return ErrGoexit.
func TestGoexitInAnAlgorithmIsAnErrorOfIt(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		leave := func(int, int) int { runtime.Goexit(); return 0 }
		leaves := func(int) bool { runtime.Goexit(); return false }
		add := func(a, b int) int { return a + b }
		xs := []int{1, 2, 3}
		for name, call := range map[string]func() error{
			"For":              func() error { return For(ctx, 3, func(int) { runtime.Goexit() }) },
			"Sort by SortFunc": func() error { return SortFunc(ctx, xs, leave) },
			"SortStableFunc":   func() error { return SortStableFunc(ctx, xs, leave) },
			"MergeSorted":      func() error { _, err := MergeSorted(ctx, xs, xs, leave); return err },
			"fold of Reduce":   func() error { _, err := Reduce(ctx, xs, 0, leave, add); return err },
			"combine of Reduce": func() error {
				n, err := Reduce(ctx, xs, 7, add, leave)
				if n != 7 {
					t.Errorf("Reduce returns %d beside an error", n)
				}
				return err
			},
			"combine of ReduceSpans": func() error {
				_, err := ReduceSpans(ctx, xs, 0, func([]int) int { return 0 }, leave)
				return err
			},
			"fold of ReduceSeq":    func() error { _, err := ReduceSeq(ctx, upTo(3), 0, leave, add); return err },
			"combine of ReduceSeq": func() error { _, err := ReduceSeq(ctx, upTo(3), 0, add, leave); return err },
			"Scan":                 func() error { _, err := Scan(ctx, xs, leave); return err },
			"Filter":               func() error { _, err := Filter(ctx, xs, leaves); return err },
			"Partition":            func() error { _, err := Partition(ctx, xs, leaves); return err },
			"Find":                 func() error { _, err := Find(ctx, xs, leaves); return err },
			"GroupBy":              func() error { _, err := GroupBy(ctx, xs, func(int) int { return leave(0, 0) }); return err },
			"Histogram":            func() error { _, err := Histogram(ctx, xs, 1, func(int) int { return leave(0, 0) }); return err },
			"ForEach": func() error {
				return ForEach(ctx, upTo(3), func(*Task, int) error { runtime.Goexit(); return nil })
			},
		} {
			ended := make(chan error, 1)
			go func() {
				err := errors.New("the caller's goroutine has been ended")
				defer func() { ended <- err }()
				err = call()
			}()
			if err := await(t, ended, "end of "+name); !errors.Is(err, ErrGoexit) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// What RunHere runs in the submitter is a task of the queue's scheduler, too, whichever the submitter's context names.
func TestATaskThatAQueueRunsInItsSubmitterIsOfTheQueuesScheduler(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		_, other := newScheduler(t)
		q := newQueue(t, ctx, Capacity(1, RunHere))
		release := occupy(s, ctx)
		GoIn(ctx, q, nothing)
		is := func(t *Task) (bool, error) { return worker.PoolOf(t) == s.pool, nil }
		if ok, err := GoIn(other, q, is).Await(context.Background()); !ok || err != nil {
			t.Errorf("started by a goroutine: %v, %v", ok, err)
		}
		if ok, err := Run(other, func(t *Task) (bool, error) { return GoIn(t, q, is).Await(context.Background()) }); !ok || err != nil {
			t.Errorf("started by a task of another scheduler: %v, %v", ok, err)
		}
		release()
	}, withoutStandIns())
}

// The end of a context is the same error in everything that joins or parts streams: that of the context. Its cause is for
// context.Cause to tell.
func TestTheEndOfAContextIsItsErrorInAllShapes(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		endless := func(cancel func()) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				for i := 0; yield(i, nil); i++ {
					if i == 1000 {
						cancel()
					}
				}
			}
		}
		all := func(part iter.Seq2[int, error]) error {
			var last error
			for _, err := range part {
				last = err
			}
			return last
		}
		for name, call := range map[string]func(ctx context.Context, xs iter.Seq2[int, error]) error{
			"Merge": func(ctx context.Context, xs iter.Seq2[int, error]) error { return all(Merge(ctx, xs, xs)) },
			"Split": func(ctx context.Context, xs iter.Seq2[int, error]) error { return Split(ctx, xs, all, all) },
			"Tee":   func(ctx context.Context, xs iter.Seq2[int, error]) error { return Tee(ctx, xs, all, all) },
			"Stream2": func(ctx context.Context, xs iter.Seq2[int, error]) error {
				return all(Stream2(ctx, xs, func(_ *Task, x int) (int, error) { return x, nil }))
			},
		} {
			mine, cancel := context.WithCancelCause(ctx)
			if err := call(mine, endless(func() { cancel(io.ErrNoProgress) })); err != context.Canceled { //nolint:errorlint // itself
				t.Errorf("%s: %v", name, err)
			}
			if err := call(mine, endless(func() {})); err != context.Canceled { //nolint:errorlint // itself
				t.Errorf("%s under a context that is done: %v", name, err)
			}
			cancel(nil)
		}
	})
}

// A timeout under a scheduler that is closed is over at once, whether or not the scheduler ever had timers.
func TestATimeoutUnderAClosedSchedulerIsOver(t *testing.T) {
	for _, timers := range []bool{false, true} {
		s, ctx := newScheduler(t)
		if timers {
			if err := Sleep(ctx, 1); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		c, cancel := WithTimeout(ctx, time.Hour)
		defer cancel()
		if await(t, c.Done(), "end"); c.Err() != context.Canceled {
			t.Errorf("it had timers: %v; %v", timers, c.Err())
		}
	}
}

// A chunk at the very end of what an int can count does not run over.
func TestALoopUpToTheGreatestNumber(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		const n = 1000
		var calls atomic.Int64
		l := &loop{item: func(i int) {
			if calls.Inc(); i < math.MaxInt-n {
				panic("out of range") // or it would go on for ever
			}
		}}
		l.failedAt.Store(never)
		l.pace.Store(mostChunk)
		_, err := Run(ctx, func(t *Task) (int, error) {
			l.ctx = t
			l.span(t, math.MaxInt-n, math.MaxInt)
			return 0, nil
		})
		if err != nil || calls.Load() != n || l.failure != nil {
			t.Errorf("%d calls, %v, %v", calls.Load(), err, l.failure)
		}
	})
}

// A loop that nobody could finish ends with its context, and calls nothing out of range meanwhile, however many workers take
// their part of it.
func TestAnEndlessLoopEndsWithItsContext(t *testing.T) {
	_, outer := newScheduler(t, WithWorkers(64))
	ctx, cancel := context.WithCancel(outer)
	defer cancel()
	var calls, wrong atomic.Int64
	err := For(ctx, math.MaxInt, func(i int) {
		if i < 0 {
			wrong.Inc()
		}
		if calls.Inc() == 1_000_000 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || wrong.Load() != 0 {
		t.Errorf("%d calls, %d of them out of range, %v", calls.Load(), wrong.Load(), err)
	}
}
