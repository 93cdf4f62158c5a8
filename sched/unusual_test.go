package sched

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math"
	"runtime"
	"testing"
	"time"

	"go.uber.org/atomic"
)

// Functions of the user's that the caller's goroutine calls: their panics are of the same type as those of the others.
func TestPanicsOfWhatTheCallerCalls(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		explode := func(_, _ int) int { panic(io.EOF) }
		add := func(a, b int) int { return a + b }
		xs := []int{1, 2, 3}
		for name, call := range map[string]func(){
			"SortFunc":       func() { _ = SortFunc(ctx, xs, explode) },
			"SortStableFunc": func() { _ = SortStableFunc(ctx, xs, explode) },
			"Reduce":         func() { _, _ = Reduce(ctx, xs, 0, add, explode) },
			"ReduceSpans":    func() { _, _ = ReduceSpans(ctx, xs, 0, func([]int) int { return 0 }, explode) },
		} {
			r := mustPanic(t, call)
			if e, ok := r.(*PanicError); !ok || e.Value != io.EOF {
				t.Errorf("%s panicked with %T: %v", name, r, r)
			}
		}
		if n, err := ReduceSeq(ctx, upTo(3), 0, add, explode); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("ReduceSeq: %d, %v", n, err)
		}
	})
}

// What divides obeys a context that a task has derived from its own.
func TestATasksOwnContextEndsWhatDivides(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		xs := make([]int, 20_000)
		for name, call := range map[string]func(ctx context.Context, look func()) error{
			"SortFunc": func(ctx context.Context, look func()) error {
				return SortFunc(ctx, xs, func(a, b int) int { look(); return cmp.Compare(a, b) })
			},
			"SortStableFunc": func(ctx context.Context, look func()) error {
				return SortStableFunc(ctx, xs, func(a, b int) int { look(); return cmp.Compare(a, b) })
			},
			"Scan": func(ctx context.Context, look func()) error {
				_, err := Scan(ctx, xs, func(a, b int) int { look(); return a + b })
				return err
			},
			"Partition": func(ctx context.Context, look func()) error {
				_, err := Partition(ctx, xs, func(int) bool { look(); return true })
				return err
			},
		} {
			for i := range xs {
				xs[i] = i * 7919 % len(xs)
			}
			calls, err := Run(ctx, func(t *Task) (int64, error) {
				mine, cancel := context.WithCancel(t)
				defer cancel()
				var calls atomic.Int64
				err := call(mine, func() {
					if calls.Inc() == 1000 {
						cancel()
					}
				})
				return calls.Load(), err
			})
			// Each worker may complete one step, and all steps that are under way at a time have no more than all elements.
			if !errors.Is(err, context.Canceled) || calls > 100_000 {
				t.Errorf("%s: %d calls, %v", name, calls, err)
			}
		}
	})
}

// A key that cannot be compared does nothing to the queue; one that has no equal leaves nothing in it, nor does who gives up.
func TestUnusualUsesOfAQueue(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		q := newQueue(t, ctx, Capacity(1, Block))
		one := func(*Task) (int, error) { return 1, nil }
		mustPanic(t, func() { GoKeyed(ctx, q, any([]int{}), one) })
		for range 3 {
			if n, err := GoKeyed(ctx, q, math.NaN(), one).Await(ctx); n != 1 || err != nil {
				t.Errorf("a task whose key is NaN: %d, %v", n, err)
			}
		}

		release := occupy(s, ctx)
		waits := GoIn(ctx, q, one)
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := GoIn(gone, q, one).Await(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("a submitter that has given up: %v", err)
		}
		if n := len(q.blocked); n != 0 {
			t.Errorf("%d submitters that wait", n)
		}
		release()
		if n, err := waits.Await(ctx); n != 1 || err != nil {
			t.Errorf("the task that waited: %d, %v", n, err)
		}
		if err := s.Shutdown(context.Background()); err != nil || len(q.strands) != 0 {
			t.Errorf("%d strands are left, %v", len(q.strands), err)
		}
	}, withoutStandIns())
}

// A context with a timeout is over from the beginning if its parent is.
func TestATimeoutUnderAContextThatIsDone(t *testing.T) {
	_, ctx := newScheduler(t)
	parent, cancel := context.WithCancelCause(ctx)
	cancel(io.EOF)
	for _, d := range []time.Duration{time.Hour, 0} {
		c, stop := WithTimeout(parent, d)
		if c.Err() != context.Canceled || context.Cause(c) != io.EOF {
			t.Errorf("%v, by %v", c.Err(), context.Cause(c))
		}
		stop()
	}
}

// A stream whose source ends because the context has does not look as if it were complete.
func TestAStreamThatIsEndedByItsContextSaysSo(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		same := func(_ *Task, x int) (int, error) { return x, nil }
		for range 100 {
			gone, cancel := context.WithCancel(ctx)
			if _, err := Collect(StreamChan(gone, whileDone(cancel), same)); !errors.Is(err, context.Canceled) {
				t.Fatalf("StreamChan: %v", err)
			}
			if _, err := Collect(Stream(gone, upTo(0), same)); !errors.Is(err, context.Canceled) {
				t.Fatalf("Stream: %v", err)
			}
		}
	})
}

// whileDone returns a channel that nothing comes from, and calls cancel.
func whileDone(cancel func()) <-chan int {
	go cancel()
	return make(chan int)
}

// Options that are passed on as a slice belong to the caller.
func TestForEachLeavesTheCallersOptionsAlone(t *testing.T) {
	_, ctx := newScheduler(t)
	opts := append(make([]StreamOption, 0, 2), Window(4))
	if err := ForEach(ctx, upTo(3), func(*Task, int) error { return nil }, opts...); err != nil {
		t.Fatal(err)
	}
	if opts[:2][1].set != nil {
		t.Error("an option has been written behind them")
	}
}

// A scheduler that is closed says so, also if its network has been used.
func TestTheNetworkOfAClosedScheduler(t *testing.T) {
	s, ctx := newScheduler(t)
	l, err := Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, dialed := Dial(ctx, "tcp", l.Addr().String())
	_, listened := Listen(ctx, "tcp", "127.0.0.1:0")
	_, packets := ListenPacket(ctx, "udp", "127.0.0.1:0")
	for _, err := range []error{dialed, listened, packets} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("error %v", err)
		}
	}
}

// Whether a deadline has come is for the monotonic clock to say, also if the deadline is given as a time of day.
func TestADeadlineGoesByTheMonotonicClock(t *testing.T) {
	_, ctx := newScheduler(t)
	at := time.Now().Add(time.Hour).Round(0)
	c, stop := WithDeadline(ctx, at)
	defer stop()
	if got, ok := c.Deadline(); !ok || got != at {
		t.Errorf("deadline %v, %v", got, ok)
	}
	if due := c.(*deadline).due; due == due.Round(0) || !due.Equal(at) {
		t.Errorf("due %v", due)
	}
}

// What a task of a queue has returned beside an error is not kept with the future.
func TestAQueueForgetsWhatNobodyGets(t *testing.T) {
	_, ctx := newScheduler(t)
	q := newQueue(t, ctx)
	done := make(chan struct{})
	f := GoIn(ctx, q, func(*Task) (*[1000]byte, error) {
		b := new([1000]byte)
		runtime.AddCleanup(b, func(struct{}) { close(done) }, struct{}{})
		return b, io.EOF
	})
	if _, err := f.Await(ctx); err != io.EOF {
		t.Fatal(err)
	}
	timeout := time.After(time.Minute)
	for collected := false; !collected; {
		runtime.GC()
		select {
		case <-done:
			collected = true
		case <-timeout:
			t.Fatal("it is still alive")
		default:
		}
	}
	runtime.KeepAlive(f)
}

// A group whose Wait has returned begins nothing more.
func TestAGroupAfterItsEnd(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		g := NewGroup(ctx)
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		g.Go(func(*Task) error { t.Error("a task has begun"); return nil })
		if err := g.Wait(); !errors.Is(err, context.Canceled) {
			t.Errorf("Wait: %v", err)
		}
	})
}

// A panic handler that does not return takes no other timer's call with it.
func TestAPanicHandlerThatDoesNotReturn(t *testing.T) {
	const n = 100
	for name, leave := range map[string]func(){
		"panic":  func() { panic("handler") },
		"Goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			_, ctx := newScheduler(t, WithWorkers(1), WithPanicHandler(func(*PanicError) { leave() }))
			called := make(chan struct{}, n)
			for range n {
				AfterFunc(ctx, time.Millisecond, func() { called <- struct{}{}; panic("callback") })
			}
			for range n {
				await(t, called, "a callback")
			}
		})
	}
}
