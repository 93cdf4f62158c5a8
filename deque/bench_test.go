package deque

import "testing"

func BenchmarkPushPopSingle(b *testing.B) {
	o, _ := New[int](64)
	x := new(int)
	for b.Loop() {
		o.Push(x)
		o.Pop()
	}
}

func BenchmarkPushPopAboveOthers(b *testing.B) {
	o, _ := New[int](64)
	x := new(int)
	for range 10 {
		o.Push(x)
	}
	for b.Loop() {
		o.Push(x)
		o.Pop()
	}
}

func BenchmarkPopEmpty(b *testing.B) {
	o, _ := New[int](64)
	for b.Loop() {
		o.Pop()
	}
}
