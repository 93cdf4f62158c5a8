package lock_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/worker"
)

var background = context.Background()

// patience is for what must happen and does not depend on how fast the machine is.
const patience = 2 * time.Minute

// A crew starts tasks and plain goroutines that do things with a lock at the same time.
type crew struct {
	t    testing.TB
	pool *worker.Pool
	wg   sync.WaitGroup
}

// crews runs a test with 1, 2 and 8 workers.
func crews(t *testing.T, test func(t *testing.T, c *crew)) {
	for _, workers := range []int{1, 2, 8} {
		t.Run(fmt.Sprintf("workers=%d", workers), func(t *testing.T) { test(t, newCrew(t, workers)) })
	}
}

func newCrew(t testing.TB, workers int) *crew {
	t.Helper()
	pool, err := worker.New(worker.Config{Workers: workers, KeepGOMAXPROCS: true})
	if err != nil {
		t.Fatal(err)
	}
	c := &crew{t: t, pool: pool}
	t.Cleanup(func() { _ = pool.Close() })
	return c
}

type job struct {
	worker.Root
	c  *crew
	fn func(ctx context.Context)
}

func (j *job) Run(t *worker.Task) { j.fn(t) }

func (j *job) Done(failure *worker.PanicError, refused error) {
	if failure != nil && failure.Value != worker.ErrGoexit {
		j.c.t.Errorf("a task failed: %v", failure)
	}
	if refused != nil {
		j.c.t.Errorf("a task was refused: %v", refused)
	}
	j.c.wg.Done()
}

// task runs fn as a task, under its context.
func (c *crew) task(fn func(ctx context.Context)) {
	c.wg.Add(1)
	j := &job{c: c, fn: fn}
	j.Init(background, j)
	if err := c.pool.Submit(&j.Root); err != nil {
		c.t.Fatal(err)
	}
}

// goroutine runs fn on a goroutine of its own.
func (c *crew) goroutine(fn func(ctx context.Context)) { c.wg.Go(func() { fn(background) }) }

// start runs fn as a task or on a goroutine, in turns.
func (c *crew) start(i int, fn func(ctx context.Context)) {
	if i%3 == 2 {
		c.goroutine(fn)
	} else {
		c.task(fn)
	}
}

// wait waits until everything has ended that was started.
func (c *crew) wait() {
	c.t.Helper()
	done := make(chan struct{})
	go func() { c.wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		c.t.Fatal("it hangs")
	}
}

// until waits for a state that others bring about, and cannot announce.
func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("it never happens that %s", what)
		}
	}
}

// mustPanic checks that f panics with this text.
func mustPanic(t testing.TB, text string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if r := recover(); r != text {
			t.Errorf("panics with %v, want %q", r, text)
		}
	}()
	f()
}

// check fails the test if err is not nil. Unlike Fatal it may be called on any goroutine.
func (c *crew) check(err error) {
	if err != nil {
		c.t.Error(err)
	}
}

// under calls fn with a context that is cancelled soon, by another goroutine, at a time that varies with i.
func under(ctx context.Context, i int, fn func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		for range i % 64 {
			select {
			case <-ended:
				return
			default:
			}
		}
		cancel()
	}()
	fn(ctx)
	close(ended)
	cancel()
}
