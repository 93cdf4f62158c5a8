package sched

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/pinwheel-sched/pinwheel/future"
)

// A tap is an endless source that counts. It knows the flow that pulls, and so can tell when that waits for room. More than a
// bound it does not give: then it ends.
type tap struct {
	bound  int64 // of items between it and the loop
	slow   int64 // the same if they take long
	flow   atomic.Pointer[flow]
	pulled atomic.Int64
	taken  atomic.Int64 // by the loop, which counts
	over   atomic.Bool  // more than bound were wanted
}

// stream returns the stage that [Stream] makes, with the tap as its source.
func (p *tap) stream(ctx context.Context, fn func(t *Task, x int) (int, error), opts ...StreamOption) *stage[int, int] {
	s := newStage("Stream", fn, opts)
	s.ctx = ctx
	s.pull = func(f *flow, push func(int, error) bool) {
		p.flow.Store(f)
		for i := 0; ; i++ {
			// The one that is in the loop has been taken, perhaps before it was counted.
			if p.pulled.Add(1) > p.taken.Load()+1+p.bound {
				p.over.Store(true)
				return
			}
			if !push(i, nil) {
				return
			}
		}
	}
	return s
}

// held waits until the source waits for more room than there is. It stays so for as long as nothing is taken, since only that
// makes room: what has been pulled by then is all. It returns false if the source gave more than it should instead.
func (p *tap) held() bool {
	for !p.over.Load() {
		if f := p.flow.Load(); f != nil {
			if want := f.want.Load(); want != notYet && want > f.freed.Load() {
				return true
			}
		}
		runtime.Gosched()
	}
	return false
}

// windowShapes are the kinds of streams that a window holds for.
var windowShapes = map[string][]StreamOption{
	"ordered":   nil,
	"unordered": {Unordered()},
	"keyed":     {Keyed(func(x int) int { return x % 5 })},
	"one key":   {Keyed(func(int) int { return 0 })},
}

// everyWindow calls f for streams of all kinds with these windows, of which 0 is none. The bound of the tap is that of the stream.
func everyWindow(t *testing.T, windows []int, f func(t *testing.T, ctx context.Context, shape string, p *tap, opts []StreamOption)) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for shape, opts := range windowShapes {
			for _, window := range windows {
				t.Run(fmt.Sprintf("%s/window=%d", shape, window), func(t *testing.T) {
					p := &tap{bound: int64(window), slow: int64(window)}
					if window == 0 {
						p.bound, p.slow = int64(cheapMost*s.Workers()), int64(flowDepth*s.Workers())
					} else {
						opts = append(slices.Clone(opts), Window(window))
					}
					f(t, ctx, shape, p, opts)
				})
			}
		}
	})
}

// wantPulled checks how many items have been pulled when the source is held up.
func (p *tap) wantPulled(t *testing.T, least, most int64) {
	t.Helper()
	held, got := p.held(), p.pulled.Load()
	if taken := p.taken.Load(); !held || got < least || got > most {
		t.Errorf("%d items were pulled when %d had been taken, want %d to %d; the source was held up: %v", got, taken, least, most, held)
	}
}

// take ranges over the stream and counts, up to n results.
func (p *tap) take(t *testing.T, stream iter.Seq2[int, error], n int64) {
	t.Helper()
	for _, err := range stream {
		if err != nil {
			t.Fatal(err)
		}
		if p.taken.Add(1) == n {
			break
		}
	}
	if p.over.Load() {
		t.Errorf("%d items were pulled when %d had been taken, the window is %d", p.pulled.Load(), p.taken.Load(), p.bound)
	}
}

// While no item is done with, the window is what is pulled: all of it, and no more.
func TestAWindowIsFilledAndNotMore(t *testing.T) {
	everyWindow(t, []int{0, 1, 2, 3, 10, 100}, func(t *testing.T, ctx context.Context, _ string, p *tap, opts []StreamOption) {
		gate := future.NewPromise[int]()
		s := p.stream(ctx, func(t *Task, _ int) (int, error) { return gate.Future().Await(t) }, opts...)
		go func() {
			defer gate.Resolve(0)
			p.wantPulled(t, p.slow, p.slow)
		}()
		p.take(t, s.seq, min(3*p.bound, 1000))
	})
}

// A loop that is busy with a result makes room for one item with it, and the source may wait until half of the window is free.
func TestALoopThatTakesNothingHoldsUpTheSource(t *testing.T) {
	everyWindow(t, []int{1, 2, 3, 10, 100}, func(t *testing.T, ctx context.Context, _ string, p *tap, opts []StreamOption) {
		for _, err := range p.stream(ctx, double, opts...).seq {
			if err != nil {
				t.Fatal(err)
			}
			taken := p.taken.Add(1)
			p.wantPulled(t, taken+p.bound/2+1, taken+p.bound)
			if taken == 3*p.bound || t.Failed() {
				break
			}
		}
	})
}

// Without a Window there is a bound too, which depends on how long items take.
func TestALoopThatTakesNothingHoldsUpTheSourceWithoutAWindow(t *testing.T) {
	everyWindow(t, []int{0}, func(t *testing.T, ctx context.Context, _ string, p *tap, opts []StreamOption) {
		for _, err := range p.stream(ctx, double, opts...).seq {
			if err != nil {
				t.Fatal(err)
			}
			if taken := p.taken.Add(1); taken%500 == 1 {
				p.wantPulled(t, taken, taken+p.bound)
			}
			if p.taken.Load() == 5000 || t.Failed() {
				break
			}
		}
	})
}

// A first item that takes long is one of the window for as long as it does. In order, no result passes it; with the same key, no item.
func TestAFirstItemThatTakesLongIsInTheWindow(t *testing.T) {
	everyWindow(t, []int{2, 3, 10, 100}, func(t *testing.T, ctx context.Context, shape string, p *tap, opts []StreamOption) {
		gate := future.NewPromise[int]()
		var begun atomic.Int64
		s := p.stream(ctx, func(t *Task, x int) (int, error) {
			begun.Add(1)
			if x == 0 {
				return gate.Future().Await(t)
			}
			return x, nil
		}, opts...)
		switch shape {
		case "unordered": // all pass it
			for x, err := range s.seq {
				if err != nil {
					t.Fatal(err)
				}
				taken := p.taken.Add(1)
				if x == 0 {
					t.Errorf("the item came as number %d", taken)
				}
				p.wantPulled(t, taken+p.bound/2+1, taken+p.bound)
				if taken == 3*p.bound || t.Failed() {
					gate.Resolve(0)
					break
				}
			}
		case "keyed": // those that are not in its lane
			go func() {
				defer gate.Resolve(0)
				p.held()
			}()
			p.take(t, s.seq, 3*p.bound)
		default:
			go func() {
				defer gate.Resolve(0)
				p.wantPulled(t, p.bound, p.bound)
				if n := begun.Load(); shape == "one key" && n > 1 {
					t.Errorf("%d items of the key have begun", n)
				}
			}()
			p.take(t, s.seq, 3*p.bound)
		}
	})
}

// Of stages that are one, the smaller window holds; of others, each has its own.
func TestWindowsOfStagesThatFollowEachOther(t *testing.T) {
	everyPool(t, func(t *testing.T, _ *Scheduler, ctx context.Context) {
		for _, c := range []struct{ first, second, want int }{{8, 3, 3}, {3, 8, 3}, {5, 0, 5}, {0, 5, 5}} {
			var opts [2][]StreamOption
			for i, window := range []int{c.first, c.second} {
				if window > 0 {
					opts[i] = append(opts[i], Window(window))
				}
			}
			gate := future.NewPromise[int]()
			wait := func(t *Task, _ int) (int, error) { return gate.Future().Await(t) }
			p := &tap{bound: int64(c.want)}
			go func() {
				defer gate.Resolve(0)
				p.wantPulled(t, p.bound, p.bound)
			}()
			p.take(t, Then(p.stream(ctx, double, opts[0]...).seq, wait, opts[1]...), 3*p.bound)
		}

		const first, second = 4, 6
		gate := future.NewPromise[int]()
		wait := func(t *Task, _ int) (int, error) { return gate.Future().Await(t) }
		p := &tap{bound: first + second}
		keyed := Keyed(func(x int) int { return x })
		stage := p.stream(ctx, double, Window(first))
		go func() {
			defer gate.Resolve(0)
			for f := p.flow.Load(); !p.over.Load() && (f == nil || f.freed.Load() < second); f = p.flow.Load() {
				runtime.Gosched() // until the second is full
			}
			p.wantPulled(t, second+first/2+1, second+first)
		}()
		p.take(t, Then(stage.seq, wait, keyed, Window(second)), 3*p.bound)
	})
}
