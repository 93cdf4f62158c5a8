package deque

import (
	"runtime"
	"testing"
	"weak"
)

type buffer [1024]byte

// A watch counts elements that are still reachable.
type watch []weak.Pointer[buffer]

// push pushes n fresh elements, of which only the deque and the watch then know.
func (w *watch) push(o Owner[buffer], n int) {
	for range n {
		x := new(buffer)
		*w = append(*w, weak.Make(x))
		o.Push(x)
	}
}

func (w watch) reachable() int {
	runtime.GC()
	n := 0
	for _, p := range w {
		if p.Value() != nil {
			n++
		}
	}
	return n
}

// pop and steal drop what they take.
//
//go:noinline
func pop(o Owner[buffer], n int) {
	for range n {
		o.Pop()
	}
}

//go:noinline
func steal(th Thief[buffer], n int) {
	for range n {
		th.Steal()
	}
}

func TestAnEmptyPopLeavesNothingReachable(t *testing.T) {
	for _, test := range []struct {
		name string
		take func(Owner[buffer], Thief[buffer])
	}{
		{"popped", func(o Owner[buffer], th Thief[buffer]) { pop(o, 10_000) }},
		{"stolen", func(o Owner[buffer], th Thief[buffer]) { steal(th, 10_000) }},
		{"both", func(o Owner[buffer], th Thief[buffer]) { pop(o, 5_000); steal(th, 5_000) }},
		{"few", func(o Owner[buffer], th Thief[buffer]) { steal(th, 9_997); pop(o, 3) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var w watch
			o, th := New[buffer](64)
			w.push(o, 10_000)
			if n := w.reachable(); n != 10_000 {
				t.Fatalf("%d of 10,000 elements in the deque are reachable", n)
			}
			test.take(o, th)
			pop(o, 1)
			if n := w.reachable(); n != 0 {
				t.Errorf("%d elements are still reachable", n)
			}
			runtime.KeepAlive(o)
		})
	}
}

func TestAfterAPopFewTakenElementsAreReachable(t *testing.T) {
	var w watch
	o, th := New[buffer](64)
	w.push(o, 1000)
	for left := 999; left > 0; left-- {
		if left%3 == 0 {
			steal(th, 1)
			continue
		}
		pop(o, 1)
		if left%50 != 1 {
			continue // A collection for each would take long.
		}
		if n := w.reachable(); n > left+2*slack {
			t.Fatalf("%d elements are reachable with %d in the deque", n, left)
		}
	}
	runtime.KeepAlive(o)
}

func TestStolenElementsAreReachableNoLongerThanUntilTheNextPop(t *testing.T) {
	var w watch
	o, th := New[buffer](64)
	w.push(o, 100)
	steal(th, 90)
	pop(o, 1)
	if n := w.reachable(); n > 9+2*slack {
		t.Errorf("%d elements are reachable with 9 in the deque", n)
	}
	runtime.KeepAlive(o)
}
