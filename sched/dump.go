package sched

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// A TaskInfo is what [Scheduler.Tasks] tells of a task: see [worker.TaskInfo] for its fields.
type TaskInfo = worker.TaskInfo

// Tasks returns the tasks that have begun and wait, and what for, and those that run. Tasks that have not begun are counted in
// [Stats]. It is for finding out why a program stands still; what it returns is not of one moment. It costs about a
// microsecond for each task, and next to nothing while nobody calls it.
func (s *Scheduler) Tasks() []TaskInfo { return s.pool.Tasks() }

// Dump writes the tasks of s as a tree: below each task those that it has started with a context derived from its own, such as
// the tasks of its groups, and its stolen forks. The longest wait comes first. See [Scheduler.Tasks] for what it costs.
//
//	task 0xc000123450 waits for a group (0xc00011a000) for 1.5s on worker 0, started by main.main (main.go:20)
//	  task 0xc000234560 waits for a lock.Mutex (0xc000020010) for 1.4s on worker 1, started by main.main.func1 (main.go:24)
func (s *Scheduler) Dump(w io.Writer) error {
	all := s.Tasks()
	slices.SortFunc(all, func(a, b TaskInfo) int {
		return cmp.Or(cmp.Compare(b.Since, a.Since), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Worker, b.Worker))
	})
	known := map[uintptr]bool{}
	below := map[uintptr][]TaskInfo{}
	for _, t := range all {
		if t.ID != 0 {
			known[t.ID] = true
		}
	}
	for _, t := range all {
		if parent := t.Parent; known[parent] && parent != t.ID {
			below[parent] = append(below[parent], t)
		} else {
			below[0] = append(below[0], t)
		}
	}
	var b strings.Builder
	var tree func(parent uintptr, depth int)
	tree = func(parent uintptr, depth int) {
		list := below[parent]
		delete(below, parent) // each once
		for _, t := range list {
			line(&b, t, depth)
			if t.ID != 0 {
				tree(t.ID, depth+1)
			}
		}
	}
	tree(0, 0)
	_, err := io.WriteString(w, b.String())
	return err
}

func line(b *strings.Builder, t TaskInfo, depth int) {
	fmt.Fprintf(b, "%*stask ", 2*depth, "")
	if t.Waits {
		fmt.Fprintf(b, "%#x waits for %s", t.ID, t.For)
		if t.On != 0 {
			fmt.Fprintf(b, " (%#x)", t.On)
		}
		fmt.Fprintf(b, " for %v", t.Since)
	} else {
		b.WriteString("runs")
	}
	if t.Worker >= 0 {
		fmt.Fprintf(b, " on worker %d", t.Worker)
	}
	if at := strings.Fields(t.Started.String()); len(at) == 2 {
		fmt.Fprintf(b, ", started by %s (%s)", at[0], at[1])
	}
	b.WriteByte('\n')
}
