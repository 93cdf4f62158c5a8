package sched

import (
	"cmp"
	"context"
	"errors"
	"math/bits"
	"reflect"
	"slices"
)

// ErrNotOrder says that the comparison that a sort was given is not an order: it contradicts itself.
var ErrNotOrder = errors.New("pinwheel: the comparison is not an order")

// Sort sorts xs in ascending order, as [slices.Sort]: NaNs come first. It does not keep the order of equal elements, and allocates
// nothing for elements.
//
// If ctx is done, it returns ctx's error, and leaves xs in some order. Sorting takes O(n log n) comparisons; what is sorted already,
// or the other way round, takes n.
//
// It is a quicksort whose first partitions are themselves divided among workers. Numbers are partitioned without branches, which
// processors would guess wrong half of the time.
func Sort[E cmp.Ordered](ctx context.Context, xs []E) error {
	switch reflect.TypeFor[E]().Kind() {
	case reflect.String:
		return sortOrdered(ctx, xs, splitLess[E], splitNotGreater[E])
	case reflect.Float32, reflect.Float64:
		n := partitionBy(xs, func(x E) bool { return x != x })
		xs = xs[n:]
	}
	return sortOrdered(ctx, xs, splitLessFlat[E], splitNotGreaterFlat[E])
}

func sortOrdered[E cmp.Ordered](ctx context.Context, xs []E, split, same func(xs []E, pivot E) int) error {
	less := func(x, y E) bool { return x < y }
	if arranged(xs, less) {
		return ctx.Err()
	}
	q := &quicksort[E]{xs: xs, less: less, split: split, same: same, leaf: insertion[E], rest: slices.Sort[[]E]}
	return sortTogether(ctx, q, q)
}

// SortFunc sorts xs by compare, as [slices.SortFunc]. It does not keep the order of equal elements; [SortStableFunc] does.
//
// If compare contradicts itself SortFunc returns [ErrNotOrder], as far as that shows in the result, and leaves xs in some order; it
// neither hangs nor loses elements. If compare panics, so does SortFunc, with a [*PanicError], and xs is in some order as well. Otherwise it
// is as [Sort].
func SortFunc[E any](ctx context.Context, xs []E, compare func(a, b E) int) error {
	if compare == nil {
		panic("pinwheel: SortFunc with a nil function")
	}
	if len(xs) < 2 {
		return ctx.Err()
	}
	less := func(x, y E) bool { return compare(x, y) < 0 }
	q := &quicksort[E]{
		xs:   xs,
		less: less,
		split: func(xs []E, pivot E) int {
			return partitionBy(xs, func(x E) bool { return less(x, pivot) })
		},
		same: func(xs []E, pivot E) int {
			return partitionBy(xs, func(x E) bool { return !less(pivot, x) })
		},
		leaf: func(xs []E) { insertionFunc(xs, less) },
		rest: func(xs []E) { slices.SortFunc(xs, compare) },
	}
	if err := sortTogether(ctx, q, looking[E]{q}); err != nil {
		return err
	}
	return checkSorted(ctx, xs, compare)
}

// checkSorted returns ErrNotOrder if xs is not sorted.
func checkSorted[E any](ctx context.Context, xs []E, compare func(a, b E) int) error {
	if len(xs) < 2 {
		return nil
	}
	l := &loop{}
	l.body = func(_ *Task, lo, hi int) {
		for i := lo; i < hi; i++ {
			if compare(xs[i+1], xs[i]) < 0 {
				l.fail(i, nil, ErrNotOrder)
				return
			}
		}
	}
	return l.run(ctx, len(xs)-1)
}

// A quicksort is pattern-defeating quicksort (Peters 2021) as far as it goes here: a pivot that equals the element before the
// slice is the least there, and its equals are left out; when too many partitions were lopsided, the rest is left to package
// slices, which has a heapsort for that.
type quicksort[E any] struct {
	*joint
	xs    []E
	less  func(x, y E) bool
	split func(xs []E, pivot E) int // puts those less than pivot first, and returns how many they are
	same  func(xs []E, pivot E) int // puts those not greater than pivot first
	leaf  func(xs []E)              // sorts a few
	rest  func(xs []E)              // sorts any number, in a way that has no worst case
}

const (
	leafLength   = 16
	forkLength   = 512
	ninthsLength = 128 // from here on the pivot is the median of three medians
)

// sortTogether solves a problem that is q or begins with it.
func sortTogether[E any, P divisible](ctx context.Context, q *quicksort[E], problem P) error {
	_, _, err := divide(ctx, func(j *joint) (P, portion) {
		q.joint = j
		return problem, portion{hi: len(q.xs), more: bits.Len(uint(len(q.xs)))}
	})
	return err
}

// A looking is a quicksort that first looks whether there is anything to do. Where less is the user's, a task must do that.
type looking[E any] struct{ *quicksort[E] }

func (l looking[E]) solve(t *Task, part portion) int {
	if arranged(l.xs, l.less) {
		return 0
	}
	return l.quicksort.solve(t, part)
}

// arranged deals with what is sorted, or the other way round.
func arranged[E any](xs []E, less func(x, y E) bool) bool {
	i := 1
	for i < len(xs) && !less(xs[i], xs[i-1]) {
		i++
	}
	if i == len(xs) {
		return true
	}
	i = 1
	for i < len(xs) && less(xs[i], xs[i-1]) {
		i++
	}
	if i == len(xs) {
		slices.Reverse(xs)
		return true
	}
	return false
}

// solve sorts xs[lo:hi]. more is how many lopsided partitions there may be.
func (q *quicksort[E]) solve(t *Task, part portion) int {
	lo, hi, lopsided := part.lo, part.hi, part.more
	for hi-lo > leafLength {
		if q.over() {
			return 0
		}
		xs := q.xs[lo:hi]
		if lopsided <= 0 {
			q.rest(xs)
			return 0
		}
		at := q.pivot(xs)
		pivot := xs[at]
		if lo > 0 && !q.less(q.xs[lo-1], pivot) {
			n := q.same(xs, pivot)
			if n < len(xs)/8 {
				lopsided-- // there is something wrong with the pivot, or with the comparison
			}
			lo += n
			continue
		}
		// The pivot gets to its final place, between the two sides: neither touches it, and the right one reads it.
		xs[0], xs[at] = pivot, xs[0]
		n := q.partition(t, xs[1:], pivot)
		xs[0], xs[n] = xs[n], pivot
		if min(n, len(xs)-n) < len(xs)/8 {
			lopsided--
			shuffle(xs[:n])
			shuffle(xs[n+1:])
		}
		left, right := portion{q, lo, lo + n, lopsided}, portion{q, lo + n + 1, hi, lopsided}
		if len(xs) > forkLength {
			both(t, left, right)
			return 0
		}
		q.solve(t, left)
		lo, lopsided = right.lo, right.more
	}
	q.leaf(q.xs[lo:hi])
	return 0
}

func (q *quicksort[E]) partition(t *Task, xs []E, pivot E) int {
	if len(xs) <= 4*partitionLeast {
		return q.split(xs, pivot)
	}
	p := &partitioning[E]{q.joint, xs, func(xs []E) int { return q.split(xs, pivot) }}
	return p.solve(t, portion{of: p, hi: len(xs)})
}

// shuffle breaks a pattern that made for a bad pivot.
func shuffle[E any](xs []E) {
	if n := len(xs); n >= leafLength {
		xs[0], xs[n/4] = xs[n/4], xs[0]
		xs[n-1], xs[n-n/4] = xs[n-n/4], xs[n-1]
		xs[n/2], xs[n/2+n/8] = xs[n/2+n/8], xs[n/2]
	}
}

// pivot returns the index of the median of three elements, or of three such medians.
func (q *quicksort[E]) pivot(xs []E) int {
	n := len(xs)
	i, j, k := n/4, n/2, n/4*3
	if n >= ninthsLength {
		i, j, k = q.median(xs, i-1, i, i+1), q.median(xs, j-1, j, j+1), q.median(xs, k-1, k, k+1)
	}
	return q.median(xs, i, j, k)
}

func (q *quicksort[E]) median(xs []E, i, j, k int) int {
	if q.less(xs[j], xs[i]) {
		i, j = j, i
	}
	if q.less(xs[k], xs[j]) {
		j = k
		if q.less(xs[j], xs[i]) {
			j = i
		}
	}
	return j
}

// splitLessFlat is for elements that are cheap to move and to compare: it moves each, and counts without a branch.
func splitLessFlat[E cmp.Ordered](xs []E, pivot E) int {
	n := 0
	for i, x := range xs {
		xs[i] = xs[n]
		xs[n] = x
		n += one(x < pivot)
	}
	return n
}

func splitNotGreaterFlat[E cmp.Ordered](xs []E, pivot E) int {
	n := 0
	for i, x := range xs {
		xs[i] = xs[n]
		xs[n] = x
		n += one(!(pivot < x))
	}
	return n
}

// one returns 1 for true, in a form for which the compiler knows an instruction.
func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// splitLess moves only what is on the wrong side (Hoare).
func splitLess[E cmp.Ordered](xs []E, pivot E) int {
	i, j := 0, len(xs)
	for {
		for i < j && xs[i] < pivot {
			i++
		}
		for i < j && !(xs[j-1] < pivot) {
			j--
		}
		if i == j {
			return i
		}
		j--
		xs[i], xs[j] = xs[j], xs[i]
		i++
	}
}

func splitNotGreater[E cmp.Ordered](xs []E, pivot E) int {
	i, j := 0, len(xs)
	for {
		for i < j && !(pivot < xs[i]) {
			i++
		}
		for i < j && pivot < xs[j-1] {
			j--
		}
		if i == j {
			return i
		}
		j--
		xs[i], xs[j] = xs[j], xs[i]
		i++
	}
}

func insertion[E cmp.Ordered](xs []E) {
	for i := 1; i < len(xs); i++ {
		x, j := xs[i], i
		for ; j > 0 && x < xs[j-1]; j-- {
			xs[j] = xs[j-1]
		}
		xs[j] = x
	}
}

// insertionFunc swaps, so that no element is in hand when less panics.
func insertionFunc[E any](xs []E, less func(x, y E) bool) {
	for i := 1; i < len(xs); i++ {
		for j := i; j > 0 && less(xs[j], xs[j-1]); j-- {
			xs[j], xs[j-1] = xs[j-1], xs[j]
		}
	}
}
