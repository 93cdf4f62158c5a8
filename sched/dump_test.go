package sched

import (
	"context"
	"strings"
	"testing"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/lock"
)

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
