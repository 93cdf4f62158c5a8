package sched

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/future"
)

// upTo yields 0 to n-1.
func upTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func double(_ *Task, x int) (int, error) { return 2 * x, nil }

// gather returns the results of a stream up to its error.
func gather[T any](seq iter.Seq2[T, error]) (all []T, err error) {
	for x, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, x)
	}
	return all, nil
}

func wantUpTo(t *testing.T, n, factor int, got []int, err error) {
	t.Helper()
	if err != nil || len(got) != n {
		t.Fatalf("%d results, %v; want %d", len(got), err, n)
	}
	for i, x := range got {
		if x != factor*i {
			t.Fatalf("result %d is %d, want %d", i, x, factor*i)
		}
	}
}

func TestStreamsKeepTheOrderOfTheSource(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for _, n := range []int{0, 1, 2, 15, 16, 17, 48, 49, 1000, 100_000} {
			for _, window := range []int{0, 1, 2, 7, 1000} {
				if window > 0 && window < 7 && n > 1000 {
					continue
				}
				var opts []StreamOption
				if window > 0 {
					opts = append(opts, Window(window))
				}
				got, err := gather(Stream(ctx, upTo(n), double, opts...))
				wantUpTo(t, n, 2, got, err)
			}
		}
	})
}

func TestStreamsRunInsideTasksToo(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		_, err := Map(ctx, make([]int, 20), func(t *Task, _ int) (int, error) {
			sum := 0
			inner := func(t *Task, x int) (int, error) {
				sum := 0
				for y, err := range Stream(t, upTo(x), double) {
					if err != nil {
						return 0, err
					}
					sum += y
				}
				return sum, nil
			}
			for y, err := range Stream(t, upTo(30), inner) {
				if err != nil {
					return 0, err
				}
				sum += y
			}
			if sum != 30*29*28/3 {
				return 0, fmt.Errorf("sum %d", sum)
			}
			return sum, nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestUnorderedStreamsLoseNothing(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for _, n := range []int{0, 1, 16, 17, 1000, 100_000} {
			got, err := gather(Stream(ctx, upTo(n), double, Unordered()))
			slices.Sort(got)
			wantUpTo(t, n, 2, got, err)
		}
	})
}

func TestKeyedStreamsKeepTheOrderOfEachKey(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		const keys = 50
		var in [keys]atomic.Int32 // how many items of the key are in work
		next := [keys]int{}
		n := 0
		key := func(x int) int { return x * x % keys }
		for x, err := range Stream(ctx, upTo(20_000), func(_ *Task, x int) (int, error) {
			if in[key(x)].Add(1) > 1 {
				return 0, errors.New("two items of a key at once")
			}
			if x%500 == 0 {
				runtime.Gosched()
			}
			in[key(x)].Add(-1)
			return x, nil
		}, Keyed(key)) {
			if err != nil {
				t.Fatal(err)
			}
			if x < next[key(x)] {
				t.Fatalf("%d of key %d came after %d", x, key(x), next[key(x)])
			}
			next[key(x)] = x
			n++
		}
		if n != 20_000 {
			t.Errorf("%d results", n)
		}
	})
}

func TestStagesFollowEachOther(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		show := func(_ *Task, x int) (string, error) { return fmt.Sprint(x), nil }
		length := func(_ *Task, s string) (int, error) { return len(s), nil }
		want := []int{}
		for i := range 5000 {
			want = append(want, len(fmt.Sprint(2*i)))
		}
		for name, opts := range map[string][3][]StreamOption{
			"plain":        {},
			"a window":     {{Window(8)}, nil, {Window(5)}},
			"keyed first":  {{Keyed(func(int) int { return 0 })}},
			"keyed second": {nil, {Keyed(func(int) int { return 0 })}},
			"keyed last":   {nil, nil, {Keyed(func(string) int { return 0 })}},
		} {
			a := Stream(ctx, upTo(5000), double, opts[0]...)
			b := Then(a, show, opts[1]...)
			c := Then(b, length, opts[2]...)
			for range 2 { // a stream can be used again
				got, err := gather(c)
				if err != nil || !slices.Equal(got, want) {
					t.Fatalf("%s: %d results, %v", name, len(got), err)
				}
			}
			// What wraps a stream is a source like any other.
			wrapped := func(yield func(string, error) bool) {
				for s, err := range b {
					if !yield(s+"x", err) {
						return
					}
				}
			}
			got, err := gather(Then(wrapped, length))
			if err != nil || len(got) != len(want) || got[4000] != want[4000]+1 {
				t.Fatalf("%s: wrapped: %d results, %v", name, len(got), err)
			}
		}
	})
}

func TestStagesInOneTakeItemsThroughOnOneTask(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	type mark struct {
		t *Task
		x int
	}
	for x, err := range Then(
		Stream(ctx, upTo(1000), func(t *Task, x int) (mark, error) { return mark{t, x}, nil }),
		func(t *Task, m mark) (int, error) {
			if m.t != t {
				return 0, errors.New("another task")
			}
			return m.x, nil
		}) {
		if err != nil {
			t.Fatal(x, err)
		}
	}
}

// A function that calls streams with the yield that it got may clean up after each, and yield more.
func TestStreamsInSequenceAreOneSource(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for range 20 {
			var open, bad atomic.Int32
			part := func(from int) iter.Seq2[int, error] {
				return Stream(ctx, upTo(100), func(_ *Task, x int) (int, error) {
					if open.Load() == 0 {
						bad.Add(1)
					}
					return from + x, nil
				})
			}
			all := func(yield func(int, error) bool) {
				for from := 0; from < 500; from += 100 {
					open.Store(1)
					if from == 200 {
						for x := range 100 {
							if !yield(from+x, nil) {
								return
							}
						}
						continue
					}
					part(from)(yield)
					open.Store(0)
				}
			}
			got, err := gather(Then(all, double))
			wantUpTo(t, 500, 2, got, err)
			if bad.Load() != 0 {
				t.Fatal("a stage ran after its source was closed")
			}
		}
	})
}

func TestStreamsOfChannelsAndErrors(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	c := make(chan int)
	go func() {
		for i := range 1000 {
			c <- i
		}
		close(c)
	}()
	got, err := gather(StreamChan(ctx, c, double))
	wantUpTo(t, 1000, 2, got, err)

	half := func(yield func(int, error) bool) {
		for i := range 100 {
			if !yield(i, nil) {
				t.Error("the source was told to stop")
			}
		}
		yield(0, io.ErrUnexpectedEOF)
	}
	got, err = gather(Stream2(ctx, half, double))
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	wantUpTo(t, 100, 2, got, nil)
}

func TestTheFirstErrorInOrderEndsAStream(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for range 50 {
			failed := future.NewPromise[int]()
			got, err := gather(Stream(ctx, upTo(1_000_000), func(t *Task, x int) (int, error) {
				if x == 3 { // which is not over before others have failed
					if _, err := failed.Future().Await(t); err != nil {
						return 0, err
					}
				}
				if x >= 300 && x%3 == 1 {
					failed.TryResolve(x)
					return 0, fmt.Errorf("item %d", x)
				}
				return 2 * x, nil
			}, Window(1000)))
			if err == nil || err.Error() != "item 301" {
				t.Fatal(err)
			}
			wantUpTo(t, 301, 2, got, nil)
		}
		endless := func(yield func(int) bool) {
			for i := 0; yield(i); i++ {
			}
		}
		_, err := gather(Stream(ctx, endless, func(_ *Task, x int) (int, error) {
			if x == 500 {
				return 0, io.EOF
			}
			return x, nil
		}, Unordered()))
		if err != io.EOF {
			t.Errorf("an unordered stream that failed ends with %v", err)
		}
	})
}

func TestPanicsOfAStreamReachTheLoop(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		is := func(what string, n int, err error, value any) {
			t.Helper()
			var p *PanicError
			if !errors.As(err, &p) || p.Value != value || !strings.Contains(string(p.Stack), "TestPanicsOfAStream") || n > 100 {
				t.Fatalf("%s: %d results, %v", what, n, err)
			}
		}
		item := func(_ *Task, x int) (int, error) {
			if x >= 100 {
				panic("item")
			}
			return x, nil
		}
		got, err := gather(Stream(ctx, upTo(1000), item))
		is("item", len(got), err, "item")
		got, err = gather(Then(Stream(ctx, upTo(1000), double), item))
		is("second stage", len(got), err, "item")
		source := func(yield func(int) bool) { yield(1); yield(2); panic("source") }
		got, err = gather(Stream(ctx, source, double))
		is("source", len(got), err, "source")
		key := func(x int) int { return x / (x - 50) }
		got, err = gather(Stream(ctx, upTo(100), double, Keyed(key)))
		if err == nil || !strings.Contains(err.Error(), "divide by zero") {
			t.Fatalf("key: %d results, %v", len(got), err)
		}
		leave := func(_ *Task, x int) (int, error) {
			if x == 50 {
				runtime.Goexit()
			}
			return 2 * x, nil
		}
		got, err = gather(Stream(ctx, upTo(1000), leave))
		if !errors.Is(err, ErrGoexit) {
			t.Fatal(err)
		}
		wantUpTo(t, 50, 2, got, nil)
		got, err = gather(Stream(ctx, func(yield func(int) bool) { yield(1); runtime.Goexit() }, double))
		if !errors.Is(err, ErrGoexit) || len(got) != 1 {
			t.Fatal(got, err)
		}
		func() {
			defer func() {
				if r := recover(); r != "loop" {
					t.Fatal(r)
				}
			}()
			for range Stream(ctx, upTo(1000), double) {
				panic("loop")
			}
		}()
	})
}

// running counts calls, to see that none outlives its stream.
type running struct{ now atomic.Int64 }

func (r *running) call(t *Task, x int) (int, error) {
	r.now.Add(1)
	defer r.now.Add(-1)
	if x%100 == 99 {
		leaveWorker(t)
	}
	return 2 * x, nil
}

// leaveWorker suspends the task until some goroutine has had its turn.
func leaveWorker(t *Task) { _, _ = Blocking(t, func() (int, error) { return 0, nil }) }

func TestLeavingTheLoopLeavesNothingRunning(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for round := range 75 {
			i := 4 * round // items
			var calls running
			var pulled, ended atomic.Int64
			source := func(yield func(int) bool) {
				defer ended.Add(1)
				for i := 0; yield(i); i++ {
					pulled.Store(int64(i))
				}
			}
			opts := [][]StreamOption{nil, {Unordered()}, {Keyed(func(x int) int { return x % 7 })}}[round%3]
			n := 0
			for _, err := range Then(Stream(ctx, source, calls.call, opts...), calls.call) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == i {
					break
				}
				if i == 0 {
					break
				}
			}
			if calls.now.Load() != 0 || ended.Load() != 1 {
				t.Fatalf("after the loop: %d calls run, %d sources have ended", calls.now.Load(), ended.Load())
			}
		}
	})
}

func TestCancellingEndsAStream(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for i := range 100 {
			ctx, cancel := context.WithCancel(ctx)
			var calls running
			n := 0
			var last error
			for _, err := range Stream(ctx, func(yield func(int) bool) {
				for i := 0; yield(i); i++ {
				}
			}, calls.call) {
				if last = err; err != nil {
					continue // the stream ends by itself
				}
				if n++; n == i+1 {
					go cancel()
				}
			}
			if !errors.Is(last, context.Canceled) || calls.now.Load() != 0 {
				t.Fatalf("%v; %d calls run", last, calls.now.Load())
			}
			cancel()
		}
		done, cancel := context.WithCancel(ctx)
		cancel()
		if got, err := gather(Stream(done, upTo(10), double)); !errors.Is(err, context.Canceled) || len(got) > 0 {
			t.Errorf("%v, %v under a context that is done", got, err)
		}
		// A channel on which nothing comes does not keep the loop.
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		c := make(chan int, 1)
		c <- 1
		for _, err := range StreamChan(ctx, c, double) {
			if cancel(); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
	})
}

func TestClosingTheSchedulerEndsAStream(t *testing.T) {
	for i := range 50 {
		s, ctx := newScheduler(t, WithWorkers(2))
		n := 0
		var last error
		for _, err := range Stream(ctx, func(yield func(int) bool) {
			for i := 0; yield(i); i++ {
			}
		}, double) {
			if last = err; err == nil {
				if n++; n == 100*i+1 {
					go s.Close()
				}
			}
		}
		if !errors.Is(last, ErrClosed) && !errors.Is(last, context.Canceled) {
			t.Fatal(last)
		}
	}
}

func TestAWindowBoundsWhatIsInFlight(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for _, window := range []int{1, 2, 10, 100} {
			for name, opts := range map[string][]StreamOption{
				"ordered": nil, "unordered": {Unordered()}, "keyed": {Keyed(func(x int) int { return x % 5 })},
			} {
				var in, most atomic.Int64
				source := func(yield func(int) bool) {
					for i := range 2000 {
						most.Store(max(most.Load(), in.Add(1)))
						if !yield(i) {
							return
						}
					}
				}
				for _, err := range Stream(ctx, source, double, append(opts, Window(window))...) {
					if err != nil {
						t.Fatal(err)
					}
					in.Add(-1)
				}
				// The one that is in the loop has been taken, and its place given to another.
				if got := most.Load(); got > int64(window)+1 {
					t.Errorf("%s: %d items in flight, the window is %d", name, got, window)
				}
			}
		}
	})
}

func TestASlowItemHoldsUpNoneBeyondTheWindow(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	release := make(chan struct{})
	const window = 64
	var done atomic.Int64
	slow := func(t *Task, x int) (int, error) {
		if x == 10 {
			_, err := Blocking(t, func() (int, error) { <-release; return 0, nil })
			return 2 * x, err
		}
		if done.Add(1) == window/4 {
			close(release) // others have gone on meanwhile
		}
		return 2 * x, nil
	}
	got, err := gather(Stream(ctx, upTo(1000), slow, Window(window)))
	wantUpTo(t, 1000, 2, got, err)

	// Unordered, all others come past it.
	release = make(chan struct{})
	n := 0
	for x, err := range Stream(ctx, upTo(1000), func(t *Task, x int) (int, error) {
		if x == 10 {
			_, err := Blocking(t, func() (int, error) { <-release; return 0, nil })
			return x, err
		}
		return x, nil
	}, Unordered(), Window(window)) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 900 {
			close(release)
		}
		if x == 10 && n < 900 {
			t.Errorf("the slow item came as number %d", n)
		}
	}
}

func TestDeadLettersAndRetries(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		var mu sync.Mutex
		dead := map[int]error{}
		letter := DeadLetter(func(x int, err error) { mu.Lock(); dead[x] = err; mu.Unlock() })
		tries := make([]atomic.Int32, 1000)
		flaky := func(_ *Task, x int) (int, error) {
			n := tries[x].Add(1)
			switch {
			case x%10 == 3 && n < 3:
				return 0, errors.New("not yet")
			case x%10 == 5:
				return 0, io.EOF
			case x%10 == 7:
				panic(x)
			}
			return x, nil
		}
		got, err := gather(Then(Stream(ctx, upTo(1000), flaky, letter, Retry(3, time.Microsecond)), double))
		if err != nil || len(got) != 800 || len(dead) != 200 {
			t.Fatalf("%d results, %d dead letters, %v", len(got), len(dead), err)
		}
		if !slices.IsSorted(got) || dead[15] != io.EOF || tries[15].Load() != 3 || tries[7].Load() != 1 {
			t.Error("wrong results or letters")
		}
		var p *PanicError
		if !errors.As(dead[27], &p) || p.Value != 27 {
			t.Error(dead[27])
		}
		clear(tries)
		if _, err := gather(Stream(ctx, upTo(10), flaky, Retry(2, 0))); err == nil || err.Error() != "not yet" {
			t.Error(err)
		}
		// Elements of the source that are errors are dead letters too.
		clear(dead)
		source := func(yield func(int, error) bool) {
			_ = yield(0, nil) && yield(99, io.EOF) && yield(1, nil)
		}
		got, err = gather(Stream2(ctx, source, double, letter))
		wantUpTo(t, 2, 2, got, err)
		if dead[99] != io.EOF {
			t.Error(dead)
		}
		if _, err := gather(Stream(ctx, upTo(1000), flaky, DeadLetter(func(int, error) { panic("letter") }))); err == nil {
			t.Error("a panic of the dead letter is lost")
		}
	})
}

func TestProgressIsReported(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	var last Progress
	calls := 0
	for _, err := range Stream(ctx, upTo(10_000), double, OnProgress(time.Microsecond, func(p Progress) {
		calls++
		if p.Out < last.Out || p.In != p.Out+p.InFlight || last.Done {
			t.Errorf("%+v after %+v", p, last)
		}
		last = p
	})) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if !last.Done || last.In != 10_000 || last.Out != 10_000 || calls == 0 {
		t.Errorf("%d reports, the last: %+v", calls, last)
	}
	if _, err := gather(Stream(ctx, upTo(1000), double, OnProgress(time.Second, func(Progress) { panic("hook") }))); err != nil {
		t.Log(err) // the only report is after the last result
	}
}

func TestMisuseOfStreamsPanicsAtOnce(t *testing.T) {
	ctx := context.Background()
	for want, f := range map[string]func(){
		"nil source":            func() { Stream[int, int](ctx, nil, double) },
		"nil function":          func() { Stream[int, int](ctx, upTo(1), nil) },
		"nil channel":           func() { StreamChan(ctx, nil, double) },
		"Then of a nil":         func() { Then(nil, double) },
		"Window of less":        func() { Window(0) },
		"Retry":                 func() { Retry(0, 0) },
		"Keyed with a nil":      func() { Keyed[int, int](nil) },
		"DeadLetter with a nil": func() { DeadLetter[int](nil) },
		"OnProgress":            func() { OnProgress(0, func(Progress) {}) },
		"zero StreamOption":     func() { Stream(ctx, upTo(1), double, StreamOption{}) },
		"Keyed of other items":  func() { Stream(ctx, upTo(1), double, Keyed(func(string) int { return 0 })) },
		"DeadLetter of other":   func() { Stream(ctx, upTo(1), double, DeadLetter(func(string, error) {})) },
	} {
		if r := mustPanic(t, f); !strings.Contains(fmt.Sprint(r), want) {
			t.Errorf("panic %v, want one about %s", r, want)
		}
	}
}

// The loop and the source may wait for each other: nothing is held back for a full batch.
func TestAStreamHoldsNothingBack(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for _, opts := range [][]StreamOption{nil, {Unordered()}, {Keyed(func(x int) int { return x })}} {
			next := make(chan int, 1)
			next <- 0
			source := func(yield func(int) bool) {
				for i := range next {
					if !yield(i) {
						return
					}
				}
			}
			for x, err := range Then(Stream(ctx, source, double, opts...), double) {
				if err != nil || x%4 != 0 {
					t.Fatal(x, err)
				}
				if x == 4*500 {
					close(next)
					break
				}
				next <- x/4 + 1
			}
		}
	})
}

func TestStreamsThatAreHeldUpAtRandom(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for range 30 {
			n := rand.IntN(3000)
			spin := func(x int) {
				for range rand.IntN(200) * rand.IntN(20) {
					x++
				}
			}
			i := 0
			for x, err := range Stream(ctx, func(yield func(int) bool) {
				for i := range n {
					if rand.IntN(100) == 0 {
						for range rand.IntN(20) {
							runtime.Gosched()
						}
					}
					if !yield(i) {
						return
					}
				}
			}, func(t *Task, x int) (int, error) {
				if rand.IntN(200) == 0 {
					for range rand.IntN(5) {
						leaveWorker(t)
					}
				}
				spin(x)
				return x, nil
			}) {
				if err != nil || x != i {
					t.Fatal(x, i, err)
				}
				i++
				spin(x)
			}
			if i != n {
				t.Fatalf("%d of %d results", i, n)
			}
		}
	})
}
