package sched

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/pinwheel-sched/pinwheel/lock"
)

// These are the programs that hang where others run them: a bounded pool whose tasks submit to it and wait for what they have
// submitted (ants, pond, conc, workerpool, errgroup with a limit), and a lock that is held across a join.

// Each of the starters submits to something that is bounded to one task at a time, and returns a function that waits.
func TestTasksThatSubmitToTheirOwnFullPoolAndWaitEnd(t *testing.T) {
	starters := map[string]func(ctx context.Context) func(f func(t *Task)) func(ctx context.Context) error{
		"a scheduler with one worker": func(ctx context.Context) func(f func(t *Task)) func(ctx context.Context) error {
			return func(f func(t *Task)) func(ctx context.Context) error {
				task := Go(ctx, func(t *Task) (int, error) { f(t); return 0, nil })
				return func(ctx context.Context) error { _, err := task.Await(ctx); return err }
			}
		},
		"a group with a limit": func(ctx context.Context) func(f func(t *Task)) func(ctx context.Context) error {
			g := NewGroup(ctx)
			g.SetLimit(1)
			return func(f func(t *Task)) func(ctx context.Context) error {
				var over lock.WaitGroup
				over.Add(1)
				g.Go(func(t *Task) error { f(t); over.Done(); return nil })
				return over.Wait
			}
		},
		"a queue that runs tasks in the caller": func(ctx context.Context) func(f func(t *Task)) func(ctx context.Context) error {
			q, err := NewQueue(ctx, Capacity(1, RunHere))
			if err != nil {
				t.Fatal(err)
			}
			return func(f func(t *Task)) func(ctx context.Context) error {
				task := GoIn(ctx, q, func(t *Task) (int, error) { f(t); return 0, nil })
				return func(ctx context.Context) error { _, err := task.Await(ctx); return err }
			}
		},
		"a queue that makes the caller wait": func(ctx context.Context) func(f func(t *Task)) func(ctx context.Context) error {
			q, err := NewQueue(ctx, Capacity(1, Block))
			if err != nil {
				t.Fatal(err)
			}
			return func(f func(t *Task)) func(ctx context.Context) error {
				task := GoIn(ctx, q, func(t *Task) (int, error) { f(t); return 0, nil })
				return func(ctx context.Context) error { _, err := task.Await(ctx); return err }
			}
		},
	}
	for name, starter := range starters {
		t.Run(name, func(t *testing.T) {
			_, ctx := newScheduler(t, WithWorkers(1))
			start := starter(ctx)
			var leaves atomic.Int64
			var tree func(t *Task, depth int) error
			tree = func(t *Task, depth int) error {
				if depth == 0 {
					leaves.Add(1)
					return nil
				}
				var waits []func(ctx context.Context) error
				for range 3 {
					waits = append(waits, start(func(t *Task) {
						if err := tree(t, depth-1); err != nil {
							panic(err)
						}
					}))
				}
				for _, wait := range waits {
					if err := wait(t); err != nil {
						return err
					}
				}
				return nil
			}
			if err := start(func(t *Task) {
				if err := tree(t, 4); err != nil {
					panic(err)
				}
			})(ctx); err != nil || leaves.Load() != 81 {
				t.Errorf("%v, %d leaves", err, leaves.Load())
			}
		})
	}
}

// The tasks of a group with a limit of one that call its Go do not wait for themselves, and neither do those that they start.
func TestGoOfAFullGroupDoesNotWaitInsideIt(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		g := NewGroup(ctx)
		g.SetLimit(1)
		var ran atomic.Int64
		g.Go(func(t *Task) error {
			g.Go(func(*Task) error { ran.Add(1); return nil })
			if g.TryGo(func(*Task) error { return nil }) {
				ran.Add(100)
			}
			_, err := Go(t, func(*Task) (int, error) {
				g.Go(func(*Task) error { ran.Add(1); return nil })
				return 0, nil
			}).Await(t)
			return err
		})
		if err := g.Wait(); err != nil || ran.Load() != 2 {
			t.Errorf("%v, %d", err, ran.Load())
		}
	})
}

// rayon-rs/rayon#592: a worker that waits at a join for a stolen half does other work meanwhile, and that wants the lock which
// the joiner holds. Here the joiner's fiber is suspended, and so is whoever wants the lock.
func TestALockMayBeHeldAcrossAJoin(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		var mu lock.Mutex
		sum := 0
		g := NewGroup(ctx)
		const tasks, rounds = 16, 50
		for range tasks {
			g.Go(func(t *Task) error {
				for range rounds {
					if err := mu.Lock(t); err != nil {
						return err
					}
					a, b := Join(t,
						func(t *Task) int { return fib(t, 8) },
						func(t *Task) int { Yield(t); return fib(t, 8) })
					sum += a + b
					mu.Unlock()
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil || sum != tasks*rounds*42 {
			t.Errorf("%v, %d", err, sum)
		}
	})
}

// The same with a loop, which holds the lock while its body waits for others that want it after.
func TestALockMayBeHeldAcrossALoop(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		var mu lock.Mutex
		var ran atomic.Int64
		g := NewGroup(ctx)
		for range 8 {
			g.Go(func(t *Task) error {
				if err := mu.Lock(t); err != nil {
					return err
				}
				defer mu.Unlock()
				return For(t, 100, func(int) { ran.Add(1) })
			})
		}
		if err := g.Wait(); err != nil || ran.Load() != 800 {
			t.Errorf("%v, %d", err, ran.Load())
		}
	})
}
