package future_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/sched"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// sources gives a test the same outcome in several ways.
func sources[T any](value T, err error) map[string]func(p *place) *future.Future[T] {
	settle := func(p *future.Promise[T]) {
		if err != nil {
			p.Reject(err)
		} else {
			p.Resolve(value)
		}
	}
	return map[string]func(p *place) *future.Future[T]{
		"settled before": func(*place) *future.Future[T] {
			p := future.NewPromise[T]()
			settle(p)
			return p.Future()
		},
		"by a goroutine": func(*place) *future.Future[T] {
			p := future.NewPromise[T]()
			go settle(p)
			return p.Future()
		},
		"by a task": func(p *place) *future.Future[T] {
			promise := future.NewPromise[T]()
			p.task(func(context.Context) { settle(promise) })
			return promise.Future()
		},
		"of a task": func(p *place) *future.Future[T] {
			return sched.Go(p.ctx, func(*sched.Task) (T, error) { return value, err })
		},
	}
}

// everywhere runs a test for each way to come to an outcome.
func everywhere[T any](t *testing.T, value T, err error, test func(t *testing.T, f *future.Future[T])) {
	places(t, func(t *testing.T, p *place) {
		for name, make := range sources(value, err) {
			t.Run(name, func(t *testing.T) { test(t, make(p)) })
		}
	})
}

func TestCallbacksAreAppliedToTheValue(t *testing.T) {
	everywhere(t, 20, nil, func(t *testing.T, f *future.Future[int]) {
		text := future.Map(f, func(n int) string { return fmt.Sprint(n) })
		half := future.Then(f, func(n int) (float64, error) { return float64(n) / 2, nil })
		fails := future.Then(text, func(string) (int, error) { return 1, errTest })
		same := future.Recover(f, func(error) (int, error) { t.Error("Recover of a value"); return 0, nil })
		want(t, text, "20", nil)
		want(t, half, 10, nil)
		want(t, fails, 0, errTest)
		want(t, same, 20, nil)
		want(t, future.Shield(half), 10, nil)
	})
}

func TestErrorsArePassedOnUntilTheyAreRecovered(t *testing.T) {
	everywhere(t, 20, errTest, func(t *testing.T, f *future.Future[int]) {
		never := func(int) (int, error) { t.Error("called in spite of an error"); return 0, nil }
		g := future.Then(future.Map(future.Then(f, never), func(n int) int { t.Error("called"); return n }), never)
		want(t, g, 0, errTest)
		want(t, future.Shield(g), 0, errTest)
		want(t, future.Recover(g, func(err error) (int, error) {
			if err != errTest {
				t.Errorf("Recover of %v", err)
			}
			return 1, nil
		}), 1, nil)
		other := errors.New("other")
		want(t, future.Recover(g, func(error) (int, error) { return 1, other }), 0, other)
	})
}

func TestPanicsOfCallbacksAreErrors(t *testing.T) {
	everywhere(t, 20, nil, func(t *testing.T, f *future.Future[int]) {
		g := future.Map(f, func(int) int { panic(errTest) })
		h := future.Map(g, func(n int) int { return n })
		_, err := h.Await(background)
		var p *worker.PanicError
		if !errors.As(err, &p) || !errors.Is(err, errTest) || !strings.Contains(string(p.Stack), "TestPanicsOfCallbacksAreErrors") {
			t.Errorf("Await = %v, want a PanicError with the stack of the callback", err)
		}
		want(t, future.Recover(h, func(error) (int, error) { return 1, nil }), 1, nil)
	})
}

func TestGoexitOfACallbackIsAnError(t *testing.T) {
	everywhere(t, 20, nil, func(t *testing.T, f *future.Future[int]) {
		g := future.Map(f, func(int) int { runtime.Goexit(); return 0 })
		want(t, future.Map(g, func(n int) int { return n }), 0, sched.ErrGoexit)
	})
}

// The goroutine that settles a future, or attaches a callback, holds who knows what locks.
func TestCallbacksDoNotRunUnderTheirCaller(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		for _, run := range []func(func(context.Context)){p.task, p.goroutine} {
			run(func(ctx context.Context) {
				var busy atomic.Bool
				callback := func(n int) int {
					if busy.Load() && runsUnder("TestCallbacksDoNotRunUnderTheirCaller.func1.1") {
						t.Error("the callback runs on the stack of its caller")
					}
					return n
				}
				promise := future.NewPromise[int]()
				f := future.Map(promise.Future(), callback)
				busy.Store(true)
				promise.Resolve(1)
				g := future.Map(promise.Future(), callback)
				busy.Store(false)
				for _, f := range []*future.Future[int]{f, g} {
					if _, err := f.Await(ctx); err != nil {
						t.Error(err)
					}
				}
			})
		}
	})
}

func runsUnder(function string) bool {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		if strings.HasSuffix(f.Function, function) {
			return true
		}
		if !more {
			return false
		}
	}
}

func TestCallbacksMayUseEverything(t *testing.T) {
	everywhere(t, 1, nil, func(t *testing.T, f *future.Future[int]) {
		again := future.NewPromise[int]()
		g := future.Then(f, func(n int) (int, error) {
			later := future.Map(f, func(n int) int { return n + 1 })
			again.Resolve(n)
			<-f.Done()
			return later.Await(background)
		})
		want(t, g, 2, nil)
		want(t, future.Map(again.Future(), func(n int) int { return n + 2 }), 3, nil)
	})
}

// What a callback waits for may be the work of another of the same future.
func TestACallbackMayWaitForItsSibling(t *testing.T) {
	everywhere(t, 1, nil, func(t *testing.T, f *future.Future[int]) {
		var promises [10]future.Promise[int]
		waits := func(i int) func(n int) (int, error) {
			return func(n int) (int, error) {
				m, err := promises[(i+1)%len(promises)].Future().Await(background)
				return n + m, err
			}
		}
		resolves := func(i int) func(int) (int, error) {
			return func(int) (int, error) { promises[i].Resolve(i); return 0, nil }
		}
		for i := range promises {
			g, h := future.Then(f, waits(i)), future.Then(f, resolves(i))
			if i%2 == 0 {
				g, h = h, g
			}
			defer func() {
				if _, err := future.All(g, h).Await(background); err != nil {
					t.Error(err)
				}
			}()
		}
	})
}

func TestAMillionLinksDoNotGrowTheStack(t *testing.T) {
	links := 1_000_000
	if testing.Short() || raceEnabled {
		links = 50_000
	}
	defer debug.SetMaxStack(debug.SetMaxStack(1 << 20))
	kinds := map[string]func(f *future.Future[int]) *future.Future[int]{
		"Map":    func(f *future.Future[int]) *future.Future[int] { return future.Map(f, func(n int) int { return n }) },
		"Shield": future.Shield[int],
		"Race":   func(f *future.Future[int]) *future.Future[int] { return future.Race(f) },
	}
	ways := map[string]func(p *future.Promise[int], last *future.Future[int]) error{
		"Resolve":          func(p *future.Promise[int], _ *future.Future[int]) error { p.Resolve(0); return nil },
		"Reject":           func(p *future.Promise[int], _ *future.Future[int]) error { p.Reject(errTest); return errTest },
		"cancel the first": func(p *future.Promise[int], _ *future.Future[int]) error { p.Future().Cancel(errTest); return errTest },
		"cancel the last":  func(_ *future.Promise[int], f *future.Future[int]) error { f.Cancel(errTest); return errTest },
	}
	p := &place{t: t, ctx: sched.With(background, newScheduler(t, 2))}
	for kind, link := range kinds {
		for way, settle := range ways {
			t.Run(kind+"/"+way, func(t *testing.T) {
				p.either(func(ctx context.Context) {
					promise := future.NewPromise[int]()
					f := promise.Future()
					for range links {
						f = link(f)
					}
					want := settle(promise, f)
					if _, err := f.Await(ctx); err != want {
						t.Errorf("Await = %v; want %v", err, want)
					}
				})
				p.wg.Wait()
			})
		}
	}
}

func TestAMillionCallbacksOfOneFuture(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("long")
	}
	s := newScheduler(t, 2)
	var ran atomic.Int64
	promise := future.NewPromise[int]()
	all := make([]*future.Future[int], 1_000_000)
	for i := range all {
		all[i] = future.Map(promise.Future(), func(n int) int { ran.Add(1); return n })
	}
	sched.Go(sched.With(background, s), func(*sched.Task) (int, error) { promise.Resolve(1); return 0, nil })
	if _, err := future.All(all...).Await(background); err != nil || ran.Load() != int64(len(all)) {
		t.Errorf("%d ran: %v", ran.Load(), err)
	}
}

// A callback that makes the next link each time, on a future that is settled: recursion in disguise.
func TestCallbacksThatAttachCallbacksDoNotGrowTheStack(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(1 << 20))
	places(t, func(t *testing.T, p *place) {
		f := sched.Go(p.ctx, func(*sched.Task) (int, error) { return 0, nil })
		end := future.NewPromise[int]()
		left := 20_000
		var step func(int) int
		step = func(n int) int {
			if left--; left == 0 {
				end.Resolve(1)
			} else {
				future.Map(f, step)
			}
			return n
		}
		future.Map(f, step)
		want(t, end.Future(), 1, nil)
	})
}

func TestClosingTheSchedulerFailsCallbacksThatHaveNotBegun(t *testing.T) {
	s := newScheduler(t, 1)
	ctx := sched.With(background, s)
	promise := future.NewPromise[int]()
	g := future.Map(promise.Future(), func(n int) int { t.Error("called"); return n })
	h := future.Map(promise.Future(), func(n int) int { t.Error("called"); return n })
	running := make(chan struct{})
	f := sched.Go(ctx, func(t *sched.Task) (int, error) {
		close(running)
		<-t.Done()
		promise.Resolve(1) // The worker has got this task, and takes no more.
		return 0, nil
	})
	<-running
	_ = s.Close()
	want(t, f, 0, nil)
	want(t, g, 0, sched.ErrClosed)
	want(t, h, 0, sched.ErrClosed)
}

func TestNilFunctionsPanic(t *testing.T) {
	f := resolved(1)
	panics(t, "Then with a nil function", func() { future.Then[int, int](f, nil) })
	panics(t, "Map with a nil function", func() { future.Map[int, int](f, nil) })
	panics(t, "Recover with a nil function", func() { future.Recover(f, nil) })
}

// Of the callbacks of one future some leave by a panic or runtime.Goexit. The others run, whoever makes the calls.
func TestACallbackThatLeavesKeepsNoOtherFromRunning(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		for range 20 {
			promise := future.NewPromise[int]()
			f := promise.Future()
			leave := func(i int) (int, error) {
				switch i % 3 {
				case 0:
					panic(errTest)
				case 1:
					runtime.Goexit()
				}
				return i, nil
			}
			const n = 30
			var all []*future.Future[int]
			for i := range n {
				switch i / 10 {
				case 0:
					all = append(all, future.Map(f, func(int) int { x, _ := leave(i); return x }))
				case 1:
					all = append(all, future.Then(f, func(int) (int, error) { return leave(i) }))
				default:
					failed := future.Then(f, func(int) (int, error) { return 0, errTest })
					all = append(all, future.Recover(failed, func(error) (int, error) { return leave(i) }))
				}
			}
			p.either(func(context.Context) { promise.Resolve(1) })
			for i, g := range all {
				x, err := g.Await(background)
				switch i % 3 {
				case 0:
					if !errors.Is(err, errTest) {
						t.Errorf("callback %d panicked: %v", i, err)
					}
				case 1:
					if !errors.Is(err, sched.ErrGoexit) {
						t.Errorf("callback %d left by Goexit: %v", i, err)
					}
				default:
					if x != i || err != nil {
						t.Errorf("callback %d: %d, %v", i, x, err)
					}
				}
			}
		}
	})
}
