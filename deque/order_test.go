package deque

import "testing"

// numbered returns n elements that know their number.
func numbered(n int) []*int {
	xs := make([]*int, n)
	for i := range xs {
		xs[i] = new(int)
		*xs[i] = i
	}
	return xs
}

func wantPop(t *testing.T, o Owner[int], want int) {
	t.Helper()
	if x := o.Pop(); x == nil || *x != want {
		t.Fatalf("popped %v, want element %d", x, want)
	}
}

func wantSteal(t *testing.T, th Thief[int], want int) {
	t.Helper()
	if x, status := th.Steal(); status != OK || *x != want {
		t.Fatalf("stole %v with status %v, want element %d", x, status, want)
	}
}

func wantNothing(t *testing.T, o Owner[int], th Thief[int]) {
	t.Helper()
	if x := o.Pop(); x != nil {
		t.Fatalf("popped element %d, want none", *x)
	}
	if x, status := th.Steal(); x != nil || status != Empty {
		t.Fatalf("stole %v with status %v, want Empty", x, status)
	}
	if o.Len() != 0 || th.Len() != 0 || !o.Empty() || !th.Empty() {
		t.Fatalf("Len is %d and %d, Empty %v and %v, for owner and thief", o.Len(), th.Len(), o.Empty(), th.Empty())
	}
}

func TestOwnerTakesTheNewestFirst(t *testing.T) {
	o, th := New[int](4)
	for _, x := range numbered(100) {
		o.Push(x)
	}
	for want := 99; want >= 0; want-- {
		wantPop(t, o, want)
	}
	wantNothing(t, o, th)
}

func TestThievesTakeTheOldestFirst(t *testing.T) {
	o, th := New[int](4)
	for _, x := range numbered(100) {
		o.Push(x)
	}
	for want := range 100 {
		wantSteal(t, th, want)
	}
	wantNothing(t, o, th)
}

func TestOwnerAndThiefMeetInTheMiddle(t *testing.T) {
	for n := range 8 {
		o, th := New[int](2)
		for _, x := range numbered(2*n + 1) {
			o.Push(x)
		}
		for i := range n {
			wantPop(t, o, 2*n-i)
			wantSteal(t, th, i)
		}
		if o.Len() != 1 || th.Len() != 1 || o.Empty() || th.Empty() {
			t.Fatalf("Len is %d and %d, Empty %v and %v, want one element", o.Len(), th.Len(), o.Empty(), th.Empty())
		}
		wantPop(t, o, n)
		wantNothing(t, o, th)
	}
}

func TestAFreshDequeIsEmpty(t *testing.T) {
	o, th := New[int](1)
	for range 3 {
		wantNothing(t, o, th)
	}
	o.Push(numbered(1)[0])
	wantPop(t, o, 0)
	wantNothing(t, o, th)
}

func TestTheSameElementMayBePushedTwice(t *testing.T) {
	o, th := New[int](2)
	x := new(int)
	o.Push(x)
	o.Push(x)
	wantSteal(t, th, 0)
	wantPop(t, o, 0)
	wantNothing(t, o, th)
}

func TestACapacityBelowOnePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("New(0) returned")
		}
	}()
	New[int](0)
}

// FuzzOneThread plays any sequence of calls against a slice.
func FuzzOneThread(f *testing.F) {
	f.Add(uint8(1), uint64(0), []byte("uuuoosusuooos"))
	f.Add(uint8(3), ^uint64(2), []byte("uuuuuuuuuuuuoooooooooooouuuuuuuuuuussssssssssssssuo"))
	f.Fuzz(func(t *testing.T, capacity uint8, index uint64, moves []byte) {
		o, th := newAt[int](int(capacity%16)+1, index)
		var model []*int
		for _, move := range moves {
			if n := len(model); o.Len() != n || th.Len() != n || o.Empty() != (n == 0) || th.Empty() != (n == 0) {
				t.Fatalf("Len is %d and %d, want %d", o.Len(), th.Len(), n)
			}
			switch {
			case move%3 == 0:
				x := new(int)
				o.Push(x)
				model = append(model, x)
			case len(model) == 0:
				wantNothing(t, o, th)
			case move%3 == 1:
				last := len(model) - 1
				if x := o.Pop(); x != model[last] {
					t.Fatalf("popped %v, want %v", x, model[last])
				}
				model = model[:last]
			default:
				if x, status := th.Steal(); x != model[0] || status != OK {
					t.Fatalf("stole %v with status %v, want %v", x, status, model[0])
				}
				model = model[1:]
			}
		}
	})
}
