package workload

import (
	"sync"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// mergesort sorts halves and merges them, both in parallel: what is left of a merge of two runs is two merges, of their parts
// below and above the middle of the longer one. The parts go back and forth between the slice and the space, so that nothing
// is copied.
var mergesort = &bench.Workload{
	Name: "mergesort", Doc: "merge sort of n random numbers, with parallel merges",
	Size: "n", Unit: "element", N: "1000000", TestN: "20000",
	Prepare: sortJob(map[bench.Runtime]sorter{
		bench.Pinwheel: func(r *bench.Run, a, space []int) error {
			_, err := sched.Run(r.Context, func(t *sched.Task) (struct{}, error) {
				return mergesortTask(t, newSorting(a, space)), nil
			})
			return err
		},
		bench.Goroutines: func(r *bench.Run, a, space []int) error {
			newSorting(a, space).goroutines(grain(len(a), r.Workers))
			return nil
		},
		bench.Serial: func(_ *bench.Run, a, space []int) error {
			newSorting(a, space).serial()
			return nil
		},
	}),
}

// sides are the slice to sort and the space. What is to be done is told by numbers, because slices would make an argument of
// more than four words, and those are not passed in registers.
type sides [2][]int

// A sorting is the work of sorting the elements [lo, hi) of the slice, in place or into the other side.
type sorting struct {
	sides  *sides
	lo, hi int
	into   int // side
}

func newSorting(a, space []int) sorting { return sorting{&sides{a, space}, 0, len(a), 0} }

// small does the work if there is little of it.
func (s sorting) small() bool {
	if s.hi-s.lo > insertionUpTo {
		return false
	}
	a := s.sides[0][s.lo:s.hi]
	insertionSort(a)
	if s.into != 0 {
		copy(s.sides[s.into][s.lo:], a)
	}
	return true
}

// halves returns the work of sorting both halves, to where they are merged from, and the work of merging them.
func (s sorting) halves() (left, right sorting, then merging) {
	mid := s.lo + (s.hi-s.lo)/2
	return sorting{s.sides, s.lo, mid, 1 - s.into}, sorting{s.sides, mid, s.hi, 1 - s.into},
		merging{s.sides, run{int32(s.lo), int32(mid)}, run{int32(mid), int32(s.hi)}, place{int32(s.lo), int32(s.into)}}
}

// A merging is the work of merging the sorted x and y, of the other side, to a place.
type merging struct {
	sides *sides
	x, y  run
	to    place
}

type (
	run   struct{ lo, hi int32 }
	place struct{ at, side int32 }
)

func (r run) len() int     { return int(r.hi - r.lo) }
func (m merging) len() int { return m.x.len() + m.y.len() }

// halves returns two merges that do the work of one. It costs a binary search, not a copy.
func (m merging) halves() (low, high merging) {
	from := m.sides[1-m.to.side]
	x, y := m.x, m.y
	if x.len() < y.len() {
		x, y = y, x
	}
	i := x.lo + int32(x.len()/2)
	j := y.lo + int32(below(from[y.lo:y.hi], from[i]))
	then := place{m.to.at + i - x.lo + j - y.lo, m.to.side}
	return merging{m.sides, run{x.lo, i}, run{y.lo, j}, m.to}, merging{m.sides, run{i, x.hi}, run{j, y.hi}, then}
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

// some merges the least n elements, or all if there are fewer, and returns the work that is left.
func (m merging) some(n int) merging {
	from := m.sides[1-m.to.side]
	x, y := from[m.x.lo:m.x.hi], from[m.y.lo:m.y.hi]
	n = min(n, len(x)+len(y))
	z := m.sides[m.to.side][m.to.at:][:n]
	for len(x) > 0 && len(y) > 0 && len(z) > 0 {
		if x[0] <= y[0] {
			z[0], x = x[0], x[1:]
		} else {
			z[0], y = y[0], y[1:]
		}
		z = z[1:]
	}
	k := copy(z, x)
	x = x[k:]
	y = y[copy(z[k:], y):]
	m.x.lo, m.y.lo, m.to.at = m.x.hi-int32(len(x)), m.y.hi-int32(len(y)), m.to.at+int32(n)
	return m
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

// mergeSome is how many elements a task merges between two looks whether somebody wants work. What is left is divided then,
// and not before, so that a merge that nobody helps with costs what a serial one does.
const mergeSome = 1024

func mergeTask(t *sched.Task, m merging) struct{} {
	for m.len() > mergeSome {
		if t.Attention() {
			low, high := m.halves()
			f := mergings.Fork(t, mergeTask, high)
			mergeTask(t, low)
			return f.Join(t)
		}
		m = m.some(mergeSome)
	}
	m.some(mergeSome)
	return struct{}{}
}

func (s sorting) goroutines(grain int) {
	if s.hi-s.lo <= grain {
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
	if m.len() <= grain {
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

func (m merging) serial() { m.some(m.len()) }
