package sched

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"unsafe"
)

func TestOnlyTypesWithoutPointersAreLeftUncleared(t *testing.T) {
	type plain struct {
		A [3]uint16
		B struct{ C complex64 }
	}
	for _, v := range []any{true, int8(1), uintptr(1), 1.5, 1i, plain{}, [2]plain{}, [0]string{}, struct{}{}} {
		if typ := reflect.TypeOf(v); hasPointers(typ) {
			t.Errorf("%v has pointers", typ)
		}
	}
	for _, v := range []any{
		"", new(int), []int{}, map[int]int{}, make(chan int), func() {}, unsafe.Pointer(t), errors.ErrUnsupported, [1]string{}, struct {
			a int
			b struct{ err error }
		}{},
	} {
		if typ := reflect.TypeOf(v); !hasPointers(typ) {
			t.Errorf("%v has no pointers", typ)
		}
	}
	if !hasPointers(reflect.TypeFor[any]()) {
		t.Error("an interface has no pointers")
	}
}

func TestUnclearedSlicesAreSlicesLikeOthers(t *testing.T) {
	type odd struct {
		a uint32
		b [3]uint8
	}
	for _, n := range []int{0, 1, 1000, unclearedBytes/8 - 1, unclearedBytes / 8, unclearedBytes/8 + 1, unclearedBytes + 3} {
		ints, odds, strs := uncleared[int](n), uncleared[odd](n), uncleared[string](n)
		if len(ints) != n || len(odds) != n || len(strs) != n || len(uncleared[struct{}](n)) != n {
			t.Fatalf("%d, %d, %d elements where %d were asked for", len(ints), len(odds), len(strs), n)
		}
		for i := range n {
			ints[i], odds[i], strs[i] = i, odd{uint32(i), [3]uint8{2: uint8(i)}}, fmt.Sprint(i)
		}
		runtime.GC()
		for i := range n {
			if ints[i] != i || odds[i] != (odd{uint32(i), [3]uint8{2: uint8(i)}}) || strs[i] != fmt.Sprint(i) {
				t.Fatalf("element %d of %d: %d, %v, %q", i, n, ints[i], odds[i], strs[i])
			}
		}
	}
}

func TestUnclearedOfTooManyElementsPanicsAsMakeDoes(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	uncleared[int](math.MaxInt / 2)
}

// What is left in memory from before must not be in any result.
func TestNoElementOfAResultIsLeftOver(t *testing.T) {
	s, ctx := newScheduler(t, WithWorkers(2))
	defer s.Close()
	const n = unclearedBytes // of 8 bytes each
	xs := make([]int, n)
	for i := range xs {
		xs[i] = i
	}
	for range 4 {
		dirty := uncleared[int](n)
		for i := range dirty {
			dirty[i] = -1
		}
		runtime.GC()
		mapped, err := Map(ctx, xs, func(_ *Task, x int) (int, error) { return x, nil })
		if err != nil || !slices.Equal(mapped, xs) {
			t.Fatalf("Map: %v", err)
		}
		scanned, err := Scan(ctx, xs, func(_, b int) int { return b })
		if err != nil || !slices.Equal(scanned, xs) {
			t.Fatalf("Scan: %v", err)
		}
		kept, err := Filter(ctx, xs, func(int) bool { return true })
		if err != nil || !slices.Equal(kept, xs) {
			t.Fatalf("Filter: %v", err)
		}
		merged, err := MergeSorted(ctx, xs[:n/3], xs[n/3:], func(a, b int) int { return a - b })
		if err != nil || !slices.Equal(merged, xs) {
			t.Fatalf("MergeSorted: %v", err)
		}
		runtime.KeepAlive(dirty)
	}
}
