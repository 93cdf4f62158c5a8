package deque

import "testing"

// The single element is the commonest case: a worker keeps its oldest fork public.
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

// A burst of 1000 elements grows the ring and shrinks it again.
func BenchmarkBurst(b *testing.B) {
	o, _ := New[int](64)
	x := new(int)
	b.ReportAllocs()
	for b.Loop() {
		for range 1000 {
			o.Push(x)
		}
		for o.Pop() != nil {
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/element")
}

func BenchmarkPopEmpty(b *testing.B) {
	o, _ := New[int](64)
	for b.Loop() {
		o.Pop()
	}
}

func BenchmarkPushSteal(b *testing.B) {
	o, th := New[int](64)
	x := new(int)
	for b.Loop() {
		o.Push(x)
		th.Steal()
	}
}

func BenchmarkStealEmpty(b *testing.B) {
	_, th := New[int](64)
	for b.Loop() {
		th.Steal()
	}
}

func BenchmarkPushPopBesideAThief(b *testing.B) {
	o, th := New[int](64)
	x := new(int)
	stop := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				th.Steal()
			}
		}
	}()
	for b.Loop() {
		o.Push(x)
		o.Pop()
	}
	close(stop)
	<-stopped
}
