package sched

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// startTogether starts n timers that are due at the same time, or nearly so, and in the same shard, unless the scheduler is sequential.
func startTogether(t *testing.T, ctx context.Context, n int, f func()) {
	t.Helper()
	_, err := Run(ctx, func(t *Task) (int, error) {
		for range n {
			AfterFunc(t, time.Millisecond, f)
		}
		return 0, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Whatever the first of the callbacks does that are due together: meanwhile the others are called, and one of a timer that is started then.
func TestACallbackDelaysNobodyForLong(t *testing.T) {
	for _, c := range []struct {
		name  string
		least int // workers
		first func(ctx context.Context, others <-chan struct{})
	}{
		{"computes", 2, func(_ context.Context, others <-chan struct{}) {
			for !isClosed(others) {
			}
		}},
		{"sleeps natively", 1, func(_ context.Context, others <-chan struct{}) {
			for !isClosed(others) {
				time.Sleep(time.Millisecond)
			}
		}},
		{"receives from a channel", 1, func(_ context.Context, others <-chan struct{}) { <-others }},
		{"sleeps as a task", 1, func(ctx context.Context, others <-chan struct{}) {
			for !isClosed(others) && Sleep(ctx, time.Millisecond) == nil {
			}
		}},
		{"blocks as it says", 1, func(ctx context.Context, others <-chan struct{}) {
			_, _ = Blocking(ctx, func() (int, error) { <-others; return 0, nil })
		}},
		{"exits", 1, func(context.Context, <-chan struct{}) { runtime.Goexit() }},
		{"panics", 1, func(context.Context, <-chan struct{}) { panic("the handler returns") }},
		{"panics, and the handler exits", 1, func(context.Context, <-chan struct{}) { panic("exit") }},
	} {
		for workers := c.least; workers <= 2; workers++ {
			t.Run(fmt.Sprintf("%s/workers=%d", c.name, workers), func(t *testing.T) {
				_, ctx := newScheduler(t, WithWorkers(workers), WithPanicHandler(func(p *PanicError) {
					if p.Value == "exit" {
						runtime.Goexit()
					}
				}))
				for range 5 {
					const n = 40
					var called, left atomic.Int32
					left.Store(n)
					others, end := make(chan struct{}), make(chan struct{})
					other := func() {
						if left.Add(-1) == 0 {
							close(others)
						}
					}
					startTogether(t, ctx, n, func() {
						if called.Add(1) > 1 {
							other()
							return
						}
						AfterFunc(ctx, time.Millisecond, other)
						defer close(end)
						c.first(ctx, others)
					})
					await(t, others, "call of all others")
					await(t, end, "end of the first")
				}
			})
		}
	}
}

// call makes calls of functions as those of timers are made, but for the watch, which w may switch off.
func callTogether(t *testing.T, ctx context.Context, fs func(c *calls) []func()) {
	t.Helper()
	_, pool := where(ctx)
	e, err := eventsOf(pool)
	if err != nil {
		t.Fatal(err)
	}
	c := &calls{events: e}
	c.fs = fs(c)
	c.start(&caller{calls: c, first: true})
}

// Who waits as a task, or leaves, delays the others by nothing: there is no need for the watch.
func TestCallbacksDoNotWaitForTheWatch(t *testing.T) {
	for name, first := range map[string]func(ctx context.Context, others <-chan struct{}){
		"sleeps as a task": func(ctx context.Context, others <-chan struct{}) {
			for !isClosed(others) && Sleep(ctx, time.Millisecond) == nil {
			}
		},
		"blocks as it says": func(ctx context.Context, others <-chan struct{}) {
			_, _ = Blocking(ctx, func() (int, error) { <-others; return 0, nil })
		},
		"exits": func(context.Context, <-chan struct{}) { runtime.Goexit() },
	} {
		for _, workers := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(t *testing.T) {
				_, ctx := newScheduler(t, WithWorkers(workers))
				others, end := make(chan struct{}), make(chan struct{})
				callTogether(t, ctx, func(c *calls) []func() {
					return []func(){
						func() {
							defer close(end)
							c.watch.Stop()
							first(ctx, others)
						},
						func() {},
						func() { close(others) },
					}
				})
				await(t, others, "call of the others")
				await(t, end, "end of the first")
			})
		}
	}
}

// When the calls before have taken long, another worker makes calls too.
func TestCallbacksThatTakeLongAreShared(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	others := make(chan struct{})
	callTogether(t, ctx, func(c *calls) []func() {
		return []func(){
			func() {
				c.watch.Stop()
				for end := time.Now().Add(2 * quickCalls); time.Now().Before(end); {
				}
			},
			func() { <-others },
			func() { close(others) },
		}
	})
	await(t, others, "call of the last")
}
