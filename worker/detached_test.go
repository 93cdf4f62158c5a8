package worker

import (
	"context"
	"testing"
)

// The root of a detached task goes to the next one, unless somebody may have its handle.
func TestADetachedTaskGetsTheRootOfTheLastUnlessItsHandleIsKnown(t *testing.T) {
	p := newPool(t, 1, 1)
	ctx := context.Background()
	var before *Task
	order := []bool{false, false, true, false, false, true, true, false}
	for i, known := range order {
		now := make(chan *Task)
		err := p.Detach(ctx, func() {
			task := fiberHere().task
			if known && Here(ctx) != task {
				t.Error("it is not the task that runs here")
			}
			now <- task
		}, 0)
		if err != nil {
			t.Fatal(err)
		}
		task := <-now
		if i > 0 && (task == before) == order[i-1] {
			t.Errorf("task %d: has the last one's root: %v", i, task == before)
		}
		before = task
	}
}

// All of these tell somebody of the handle, who may use it when another task has the fiber.
func TestWhatMakesADetachedTaskKnown(t *testing.T) {
	p := newPool(t, 1, 1)
	ctx := context.Background()
	for name, do := range map[string]func(){
		"nothing": func() {},
		"a wait": func() {
			var w Waiter
			w.Init(ctx)
			go w.Wake()
			_ = w.Wait(ctx)
		},
		"a task in place": func() { Here(ctx).RunInPlace(ctx, func(*Task) {}) },
		"a submission":    func() { _ = Here(ctx).Detach(ctx, func() {}, 0) },
	} {
		known := make(chan bool)
		_ = p.Detach(ctx, func() {
			do()
			known <- fiberHere().task.known
		}, 0)
		if got := <-known; got != (name != "nothing") {
			t.Errorf("%s: known is %v", name, got)
		}
	}
}
