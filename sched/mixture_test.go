package sched

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Whatever options a stream has, and however its loop is left, nothing of it runs afterwards, and no item was dealt with twice:
// each is a result, or a dead letter, or was not wanted any more.
func TestStreamsWithAllOptionsHoweverTheLoopIsLeft(t *testing.T) {
	errBad := errors.New("bad")
	options := map[string][]StreamOption{
		"ordered":       nil,
		"unordered":     {Unordered()},
		"keyed":         {Keyed(func(x int) int { return x % 5 })},
		"window of 1":   {Window(1)},
		"window of 3":   {Window(3)},
		"keyed, 2":      {Keyed(func(x int) int { return x % 3 }), Window(2)},
		"unordered, 20": {Unordered(), Window(20)},
	}
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		for name, opts := range options {
			for _, leave := range []string{"at the end", "break", "panic", "Goexit", "cancel"} {
				ctx, cancel := context.WithCancel(ctx)
				const n = 400
				var running, ended, letters atomic.Int64
				var seen [n]atomic.Int32
				tries := make([]atomic.Int32, n)
				source := func(yield func(int) bool) {
					defer ended.Add(1)
					for i := range n {
						if !yield(i) {
							return
						}
					}
				}
				fn := func(t *Task, x int) (int, error) {
					running.Add(1)
					defer running.Add(-1)
					if x%50 == 7 {
						leaveWorker(t)
					}
					switch k := tries[x].Add(1); {
					case x%11 == 3 && k < 3:
						return 0, errBad
					case x%17 == 5:
						return 0, errBad
					case x%19 == 4:
						panic(x)
					}
					return x, nil
				}
				all := append(slices.Clone(opts), Retry(3, 0), DeadLetter(func(x int, _ error) {
					running.Add(1)
					defer running.Add(-1)
					seen[x].Add(1)
					letters.Add(1)
				}))
				results := 0
				loop := func() {
					for xs, err := range Chunk(Stream(ctx, source, fn, all...), 7) {
						if err != nil {
							if leave != "cancel" || !errors.Is(err, context.Canceled) {
								t.Errorf("%s, %s: %v", name, leave, err)
							}
							continue
						}
						for _, x := range xs {
							seen[x].Add(1)
						}
						if results += len(xs); results < 100 {
							continue
						}
						switch leave {
						case "break":
							return
						case "panic":
							panic(leave)
						case "Goexit":
							runtime.Goexit()
						case "cancel":
							cancel()
						}
					}
				}
				left := make(chan struct{})
				go func() {
					defer close(left)
					defer func() {
						if r := recover(); r != nil && r != any("panic") {
							t.Errorf("%s, %s: panic %v", name, leave, r)
						}
					}()
					loop()
				}()
				await(t, left, "end of the loop")
				if running.Load() != 0 || ended.Load() != 1 {
					t.Fatalf("%s, %s: after the loop %d functions run, %d sources have ended", name, leave, running.Load(), ended.Load())
				}
				for x := range seen {
					if k := seen[x].Load(); k > 1 || k < 1 && leave == "at the end" {
						t.Errorf("%s, %s: item %d was seen %d times", name, leave, x, k)
					}
				}
				if leave == "at the end" && results+int(letters.Load()) != n {
					t.Errorf("%s: %d results, %d letters", name, results, letters.Load())
				}
				cancel()
			}
		}
	})
}

// While the number of workers changes all the time, nothing is lost, done twice or out of order.
func TestEverythingWhileTheNumberOfWorkersChanges(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(2), WithMaxWorkers(8))
	over := make(chan struct{})
	var resizer, all sync.WaitGroup
	resizer.Go(func() {
		for n := 1; ; n = n%8 + 1 {
			select {
			case <-over:
				return
			default:
			}
			if err := s.Resize(n); err != nil {
				t.Error(err)
				return
			}
			runtime.Gosched()
		}
	})
	const rounds = 20
	each := func(name string, f func(round int) error) {
		all.Go(func() {
			for i := range rounds {
				if err := f(i); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	each("stream", func(int) error {
		next := 0
		for x, err := range Stream(ctx, upTo(500), func(t *Task, x int) (int, error) {
			if x%100 == 9 {
				leaveWorker(t)
			}
			return x, nil
		}) {
			if err != nil || x != next {
				return fmt.Errorf("%d instead of %d, %w", x, next, err)
			}
			next++
		}
		return nil
	})
	each("sort", func(int) error {
		xs := rand.Perm(20_000)
		if err := SortFunc(ctx, xs, cmp.Compare[int]); err != nil || !slices.IsSorted(xs) {
			return fmt.Errorf("sorted: %v, %w", slices.IsSorted(xs), err)
		}
		return nil
	})
	each("group", func(int) error {
		g := NewGroup(ctx)
		g.SetLimit(3)
		var n atomic.Int64
		for range 100 {
			g.Go(func(t *Task) error {
				n.Add(1)
				return Sleep(t, 10*time.Microsecond)
			})
		}
		if err := g.Wait(); err != nil || n.Load() != 100 {
			return fmt.Errorf("%d tasks, %w", n.Load(), err)
		}
		return nil
	})
	for _, full := range []WhenFull{Block, RunHere} {
		each(fmt.Sprint("queue ", full), func(int) error {
			q, err := NewQueue(ctx, Capacity(4, full))
			if err != nil {
				return err
			}
			last := make([]int, 3)
			var wait sync.WaitGroup
			var failure atomic.Pointer[error]
			for i := range 90 {
				wait.Add(1)
				f := GoKeyed(ctx, q, i%3, func(t *Task) (int, error) {
					if last[i%3] > i {
						return 0, fmt.Errorf("%d after %d", i, last[i%3])
					}
					last[i%3] = i
					Yield(t)
					return i, nil
				})
				g := GoIn(ctx, q, func(*Task) (int, error) { return i, nil })
				go func() {
					defer wait.Done()
					for _, err := range []error{second(f.Await(ctx)), second(g.Await(ctx))} {
						if err != nil {
							failure.Store(&err)
						}
					}
				}()
			}
			wait.Wait()
			if err := failure.Load(); err != nil {
				return *err
			}
			if n := q.Len(); n != 0 {
				return fmt.Errorf("%d tasks are left", n)
			}
			return nil
		})
	}
	all.Wait()
	close(over)
	resizer.Wait()
}

func second[T any](_ T, err error) error { return err }

// Panics with values that are awkward reach whoever awaits them, and cost no worker.
func TestPanicsWithAwkwardValues(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		huge := make([]byte, 1<<20)
		for name, leave := range map[string]func(){
			"nil":          func() { panic(nil) }, //nolint:govet // that is what is tested
			"huge":         func() { panic(string(huge)) },
			"uncomparable": func() { panic([]int{1}) },
			"in a defer":   func() { defer func() { panic("second") }(); panic("first") },
			"then Goexit":  func() { defer runtime.Goexit(); panic("first") },
			"an error":     func() { var p *int; *p = 1 },
		} {
			for way, call := range map[string]func() error{
				"Run":     func() error { return second(Run(ctx, func(*Task) (int, error) { leave(); return 0, nil })) },
				"Go":      func() error { return second(Go(ctx, func(*Task) (int, error) { leave(); return 0, nil }).Await(ctx)) },
				"ForEach": func() error { return ForEach(ctx, upTo(1), func(*Task, int) error { leave(); return nil }) },
			} {
				err := call()
				var p *PanicError
				if !errors.As(err, &p) && !errors.Is(err, ErrGoexit) {
					t.Errorf("%s, %s: %v", name, way, err)
				}
			}
		}
		meet(t, ctx, s.Workers())
	})
}
