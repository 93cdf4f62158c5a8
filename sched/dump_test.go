package sched

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/lock"
)

// Each task waits in a way of its own, and the dump names it.
func TestDumpNamesTheReasonOfEachWait(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		open := future.NewPromise[int]()
		hold := make(chan struct{})
		full := NewGroup(ctx)
		full.SetLimit(1)
		full.Go(func(t *Task) error { _, err := open.Future().Await(t); return err })
		reasons := map[string]func(t *Task) error{
			"a timer": func(t *Task) error { return Sleep(t, time.Hour) },
			"a stream": func(t *Task) error {
				for _, err := range Stream(t, slices.Values([]int{1}), func(t *Task, _ int) (int, error) { return open.Future().Await(t) }) {
					return err
				}
				return nil
			},
			"a call of Blocking": func(t *Task) error {
				_, err := Blocking(t, func() (int, error) { <-hold; return 0, nil })
				return err
			},
			"a place": func(t *Task) error { full.Go(func(*Task) error { return nil }); return nil },
		}
		g := NewGroup(ctx, AllSettle())
		for _, wait := range reasons {
			g.Go(wait)
		}
		text := ""
		for missing := true; missing; {
			var b strings.Builder
			if err := s.Dump(&b); err != nil {
				t.Fatal(err)
			}
			text, missing = b.String(), false
			for reason := range reasons {
				missing = missing || !strings.Contains(text, "waits for "+reason)
			}
			runtime.Gosched()
		}
		if strings.Contains(text, "something") {
			t.Errorf("a task waits for something:\n%s", text)
		}
		cancel()
		open.Resolve(0)
		close(hold)
		_ = g.Wait()
		_ = full.Wait()
	})
}

func TestDumpSaysWhatTasksWaitFor(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		p := future.NewPromise[int]()
		var mu lock.Mutex
		_ = mu.TryLock()
		f := Go(ctx, func(task *Task) (int, error) {
			g := NewGroup(task)
			g.Go(func(t *Task) error { _, err := p.Future().Await(t); return err })
			g.Go(func(t *Task) error { err := mu.Lock(t); return err })
			return 0, g.Wait()
		})
		for waiting := 0; waiting < 3; { // each of them will
			waiting = 0
			for _, task := range s.Tasks() {
				if task.Waits {
					waiting++
				}
			}
			_, _ = Go(ctx, nothing).Await(ctx)
		}
		var b strings.Builder
		if err := s.Dump(&b); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		for _, part := range []string{"waits for a group", "\n  task ", "waits for a future", "waits for a lock.Mutex", "TestDumpSays", "dump_test.go:"} {
			if !strings.Contains(text, part) {
				t.Errorf("%q is missing in\n%s", part, text)
			}
		}
		for line := range strings.Lines(text) {
			if strings.Contains(line, "a future") != strings.HasPrefix(line, "  ") && strings.Contains(line, "a future") {
				t.Errorf("a task of the group is not below the one that waits for it:\n%s", text)
			}
		}
		p.Resolve(0)
		mu.Unlock()
		if _, err := f.Await(ctx); err != nil {
			t.Error(err)
		}
	})
}
