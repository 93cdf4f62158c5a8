package workload

import (
	"sync"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// mergesort sorts halves and merges them, both in parallel: a merge of two runs is two merges of their parts below and above
// the middle of the longer one. The parts go back and forth between the slice and the space, so that nothing is copied.
var mergesort = &bench.Workload{
	Name: "mergesort", Doc: "merge sort of n random numbers, with parallel merges",
	Size: "n", Unit: "element", N: "1000000", TestN: "20000",
	Prepare: sortJob(map[bench.Runtime]sorter{
		bench.Pinwheel: func(r *bench.Run, a, space []int) error {
			_, err := sched.Run(r.Context, func(t *sched.Task) (struct{}, error) {
				return mergesortTask(t, sorting{a, space, false}), nil
			})
			return err
		},
		bench.Goroutines: func(r *bench.Run, a, space []int) error {
			sorting{a, space, false}.goroutines(grain(len(a), r.Workers))
			return nil
		},
		bench.Serial: func(_ *bench.Run, a, space []int) error {
			sorting{a, space, false}.serial()
			return nil
		},
	}),
}

// A sorting is the work of sorting a, in place or into b.
type sorting struct {
	a, b  []int
	intoB bool
}

// small does the work if there is little of it.
func (s sorting) small() bool {
	if len(s.a) > insertionUpTo {
		return false
	}
	insertionSort(s.a)
	if s.intoB {
		copy(s.b, s.a)
	}
	return true
}

// halves returns the work of sorting both halves, to where they are merged from, and the work of merging them.
func (s sorting) halves() (left, right sorting, then merging) {
	m := len(s.a) / 2
	left = sorting{s.a[:m], s.b[:m], !s.intoB}
	right = sorting{s.a[m:], s.b[m:], !s.intoB}
	if s.intoB {
		return left, right, merging{s.a[:m], s.a[m:], s.b}
	}
	return left, right, merging{s.b[:m], s.b[m:], s.a}
}

// A merging is the work of merging the sorted x and y into z.
type merging struct{ x, y, z []int }

// mergeUpTo is the length of z up to which a merge is not divided. Dividing costs a binary search, not a copy.
const mergeUpTo = 1024

// halves returns two merges that do the work of one.
func (m merging) halves() (low, high merging) {
	x, y := m.x, m.y
	if len(x) < len(y) {
		x, y = y, x
	}
	i := len(x) / 2
	j := below(y, x[i])
	return merging{x[:i], y[:j], m.z[:i+j]}, merging{x[i:], y[j:], m.z[i+j:]}
}

// below returns how many elements of the sorted a are less than v.
func below(a []int, v int) int {
	lo, hi := 0, len(a)
	for lo < hi {
		if mid := (lo + hi) / 2; a[mid] < v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

func (m merging) serial() {
	x, y, z := m.x, m.y, m.z
	for len(x) > 0 && len(y) > 0 {
		if x[0] <= y[0] {
			z[0], x = x[0], x[1:]
		} else {
			z[0], y = y[0], y[1:]
		}
		z = z[1:]
	}
	copy(z, x)
	copy(z[len(x):], y)
}

var (
	sortings = sched.NewFork[sorting, struct{}]()
	mergings = sched.NewFork[merging, struct{}]()
)

func mergesortTask(t *sched.Task, s sorting) struct{} {
	if s.small() {
		return struct{}{}
	}
	left, right, then := s.halves()
	f := sortings.Fork(t, mergesortTask, left)
	mergesortTask(t, right)
	f.Join(t)
	return mergeTask(t, then)
}

func mergeTask(t *sched.Task, m merging) struct{} {
	if len(m.z) <= mergeUpTo {
		m.serial()
		return struct{}{}
	}
	low, high := m.halves()
	f := mergings.Fork(t, mergeTask, low)
	mergeTask(t, high)
	f.Join(t)
	return struct{}{}
}

func (s sorting) goroutines(grain int) {
	if len(s.a) <= grain {
		s.serial()
		return
	}
	left, right, then := s.halves()
	both(
		func() { left.goroutines(grain) },
		func() { right.goroutines(grain) })
	then.goroutines(grain)
}

func (m merging) goroutines(grain int) {
	if len(m.z) <= grain {
		m.serial()
		return
	}
	low, high := m.halves()
	both(
		func() { low.goroutines(grain) },
		func() { high.goroutines(grain) })
}

// both calls f on a goroutine and g in place.
func both(f, g func()) {
	var wg sync.WaitGroup
	wg.Go(f)
	g()
	wg.Wait()
}

func (s sorting) serial() {
	if s.small() {
		return
	}
	left, right, then := s.halves()
	left.serial()
	right.serial()
	then.serial()
}
