package sched

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// lengths are those at which something changes.
var lengths = []int{0, 1, 2, 3, leafLength, leafLength + 1, 63, 64, 65, 127, 1023, 1024, 1025, 2047, 2048, 4097, 5000, 100_003}

// shapes returns inputs on which sorts go wrong.
func shapes(n int) map[string][]int {
	up, down, same, two, random, teeth, nearly := make([]int, n), make([]int, n), make([]int, n), make([]int, n), make([]int, n), make([]int, n), make([]int, n)
	for i := range n {
		up[i], down[i], same[i], two[i], random[i], teeth[i], nearly[i] = i, -i, 7, i%2, rand.IntN(n), i%100, i
	}
	for range n / 50 {
		nearly[rand.IntN(n)] = rand.IntN(n)
	}
	organ := append(slices.Clone(up[:n/2]), down[n/2:]...)
	return map[string][]int{
		"rising": up, "falling": down, "equal": same, "two values": two, "random": random, "teeth": teeth, "nearly": nearly, "organ": organ,
	}
}

func TestSortsSort(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		type pair struct{ key, at int }
		for _, n := range lengths {
			if testing.Short() && n > 10_000 {
				continue
			}
			for shape, input := range shapes(n) {
				want := slices.Sorted(slices.Values(input))
				fail := func(what string, err error) { t.Helper(); t.Fatalf("%s of %d %s: %v", what, n, shape, err) }

				got := slices.Clone(input)
				if err := Sort(ctx, got); err != nil || !slices.Equal(got, want) {
					fail("Sort", err)
				}
				got = slices.Clone(input)
				if err := SortFunc(ctx, got, cmp.Compare[int]); err != nil || !slices.Equal(got, want) {
					fail("SortFunc", err)
				}
				texts := make([]string, n)
				for i, x := range input {
					texts[i] = fmt.Sprint(x)
				}
				wantTexts := slices.Sorted(slices.Values(texts))
				if err := Sort(ctx, texts); err != nil || !slices.Equal(texts, wantTexts) {
					fail("Sort of strings", err)
				}
				pairs := make([]pair, n)
				for i, x := range input {
					pairs[i] = pair{x / 3, i}
				}
				byKey := func(a, b pair) int { return cmp.Compare(a.key, b.key) }
				wantPairs := slices.Clone(pairs)
				slices.SortStableFunc(wantPairs, byKey)
				if err := SortStableFunc(ctx, pairs, byKey); err != nil || !slices.Equal(pairs, wantPairs) {
					fail("SortStableFunc", err)
				}
				half := slices.Clone(input[:n/2])
				rest := slices.Clone(input[n/2:])
				slices.Sort(half)
				slices.Sort(rest)
				merged, err := MergeSorted(ctx, half, rest, cmp.Compare[int])
				if err != nil || !slices.Equal(merged, want) {
					fail("MergeSorted", err)
				}
			}
		}
	})
}

func TestMergeSortedTakesEqualsFromTheFirst(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	type pair struct{ key, from int }
	make2 := func(n, from int) (ps []pair) {
		for i := range n {
			ps = append(ps, pair{i / 1000, from})
		}
		return ps
	}
	for _, n := range [][2]int{{50_000, 20_000}, {20_000, 50_000}} {
		a, b := make2(n[0], 1), make2(n[1], 2)
		got, err := MergeSorted(ctx, a, b, func(x, y pair) int { return cmp.Compare(x.key, y.key) })
		if err != nil || !slices.IsSortedFunc(got, func(x, y pair) int { return cmp.Or(cmp.Compare(x.key, y.key), cmp.Compare(x.from, y.from)) }) {
			t.Fatal("not stable", err)
		}
	}
}

func TestSortPutsNaNsFirst(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	xs := make([]float64, 10_000)
	for i := range xs {
		xs[i] = rand.NormFloat64()
		if i%10 == 0 {
			xs[i] = math.NaN()
		}
	}
	want := slices.Clone(xs)
	slices.Sort(want)
	if err := Sort(ctx, xs); err != nil || !slices.IsSorted(xs) || !slices.Equal(xs[1000:], want[1000:]) {
		t.Error(err)
	}
}

func TestAComparisonThatIsNoOrderIsAnError(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for name, compare := range map[string]func(a, b int) int{
			"always less":    func(a, b int) int { return -1 },
			"always greater": func(a, b int) int { return 1 },
			"random":         func(a, b int) int { return rand.IntN(3) - 1 },
			"a cycle":        func(a, b int) int { return cmp.Compare((a-b+3)%3, 1) },
		} {
			for _, n := range []int{50, 1000, 100_000} {
				xs := make([]int, n)
				for i := range xs {
					xs[i] = i % 1000
				}
				want := slices.Clone(xs)
				slices.Sort(want)
				for sorter, sort := range map[string]func(context.Context, []int, func(a, b int) int) error{
					"SortFunc": SortFunc[int], "SortStableFunc": SortStableFunc[int],
				} {
					if err := sort(ctx, xs, compare); err != nil && err != ErrNotOrder || err == nil && name != "always greater" && name != "a cycle" {
						t.Errorf("%s of %d by %s: %v", sorter, n, name, err)
					}
					got := slices.Clone(xs)
					if slices.Sort(got); !slices.Equal(got, want) {
						t.Fatalf("%s of %d by %s lost elements", sorter, n, name)
					}
				}
			}
		}
		for sorter, sort := range map[string]func(context.Context, []int, func(a, b int) int) error{
			"SortFunc": SortFunc[int], "SortStableFunc": SortStableFunc[int],
		} {
			r := mustPanic(t, func() { _ = sort(ctx, rand.Perm(10_000), func(a, b int) int { panic(io.EOF) }) })
			if p, ok := r.(*PanicError); !ok || p.Value != io.EOF {
				if r != io.EOF { // found to be sorted or not before there is a task
					t.Errorf("%s: panic %v", sorter, r)
				}
			}
		}
	})
}

func TestScanReduceAndMinMax(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for _, n := range lengths {
			xs := rand.Perm(n)
			sum := func(a, b int) int { return a + b }
			out, err := Scan(ctx, xs, sum)
			if err != nil || len(out) != n {
				t.Fatal(err)
			}
			total := 0
			for i, x := range xs {
				if total += x; out[i] != total {
					t.Fatalf("n = %d: sum to %d is %d, want %d", n, i, out[i], total)
				}
			}
			if got, err := Reduce(ctx, xs, 0, sum, sum); err != nil || got != total {
				t.Fatalf("n = %d: %d, %v; want %d", n, got, err, total)
			}
			if got, err := Sum(ctx, xs); err != nil || got != total {
				t.Fatalf("n = %d: %d, %v; want %d", n, got, err, total)
			}
			last := func(xs []int) []int { return xs[len(xs)-1:] }
			if got, err := ReduceSpans(ctx, xs, nil, last, func(_, b []int) []int { return b }); err != nil || n > 0 && got[0] != xs[n-1] {
				t.Fatalf("n = %d: the last element is %v, %v", n, got, err)
			}
			again := slices.Clone(xs)
			if err := PrefixSum(ctx, again, again); err != nil || !slices.Equal(again, out) {
				t.Fatalf("n = %d: sums in place: %v", n, err)
			}
			halves := make([]float64, n)
			if err := MapSpans(ctx, halves, xs, func(ys []float64, xs []int) {
				for i, x := range xs {
					ys[i] = float64(x) / 2
				}
			}); err != nil {
				t.Fatal(err)
			}
			for i, x := range xs {
				if halves[i] != float64(x)/2 {
					t.Fatalf("n = %d: half of %d is %v", n, x, halves[i])
				}
			}
			first := func(a, b string) string { return cmp.Or(a, b) }
			texts := make([]string, n)
			for i := range texts {
				texts[i] = fmt.Sprint(i)
			}
			if got, err := Scan(ctx, texts, first); err != nil || n > 0 && (got[n-1] != "0" || got[n/2] != "0") {
				t.Fatal(got[n/2], err)
			}
			if n == 0 {
				continue
			}
			if lo, hi, err := MinMax(ctx, xs); err != nil || lo != 0 || hi != n-1 {
				t.Fatal(lo, hi, err)
			}
		}
		if lo, _, _ := MinMax(ctx, []float64{1, math.NaN(), 2}); !math.IsNaN(lo) {
			t.Error(lo)
		}
		mustPanic(t, func() { _, _, _ = MinMax[int](ctx, nil) })
	})
}

func TestFloatingPointResultsDoNotDependOnWorkers(t *testing.T) {
	xs := make([]float64, 100_000)
	for i := range xs {
		xs[i] = rand.NormFloat64() * math.Exp(20*rand.NormFloat64())
	}
	add := func(a, b float64) float64 { return a + b }
	var sums, spans []float64
	var scans, prefixes [][]float64
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for range 5 {
			sum, err := Reduce(ctx, xs, 0, add, add)
			scan, err2 := Scan(ctx, xs, add)
			span, err3 := Sum(ctx, xs)
			prefix := make([]float64, len(xs))
			err4 := PrefixSum(ctx, prefix, xs)
			if err := errors.Join(err, err2, err3, err4); err != nil {
				t.Fatal(err)
			}
			sums, scans = append(sums, sum), append(scans, scan)
			spans, prefixes = append(spans, span), append(prefixes, prefix)
		}
	})
	for i := range sums {
		if sums[i] != sums[0] || spans[i] != spans[0] || !slices.Equal(scans[i], scans[0]) || !slices.Equal(prefixes[i], prefixes[0]) {
			t.Fatal("results differ")
		}
	}
}

func TestFilterPartitionAndGroups(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for _, n := range append(lengths, 4*partitionLeast, 300_000) {
			for _, mod := range []int{1, 2, 7, math.MaxInt} {
				xs := rand.Perm(n)
				is := func(x int) bool { return x%mod == 0 }
				var want []int
				groups, counts := map[int][]int{}, make([]int, 5)
				for _, x := range xs {
					if is(x) {
						want = append(want, x)
					}
					groups[x%5] = append(groups[x%5], x)
					counts[x%5]++
				}
				got, err := Filter(ctx, xs, is)
				if err != nil || !slices.Equal(got, want) {
					t.Fatalf("n = %d, mod %d: Filter gives %d of %d, %v", n, mod, len(got), len(want), err)
				}
				if mod == 7 {
					g, err := GroupBy(ctx, xs, func(x int) int { return x % 5 })
					if err != nil || len(g) != len(groups) {
						t.Fatal(len(g), err)
					}
					for k := range groups {
						if !slices.Equal(g[k], groups[k]) {
							t.Fatalf("n = %d: group %d differs", n, k)
						}
					}
					h, err := Histogram(ctx, xs, 5, func(x int) int { return x % 5 })
					if err != nil || !slices.Equal(h, counts) {
						t.Fatal(h, counts, err)
					}
				}
				k, err := Partition(ctx, xs, is)
				if err != nil || k != len(want) || slices.ContainsFunc(xs[k:], is) {
					t.Fatalf("n = %d, mod %d: Partition gives %d, %v; want %d", n, mod, k, err, len(want))
				}
				for _, x := range xs[:k] {
					if !is(x) {
						t.Fatal("a wrong element in front")
					}
				}
				slices.Sort(xs)
				for i, x := range xs {
					if x != i {
						t.Fatal("Partition lost elements")
					}
				}
			}
		}
		r := mustPanic(t, func() { _, _ = Histogram(ctx, []int{7}, 5, func(x int) int { return x }) })
		if !strings.Contains(fmt.Sprint(r), "bin 7 of 5") {
			t.Error(r)
		}
	})
}

func TestFindIsTheFirst(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		xs := make([]int, 1_000_000)
		xs[700], xs[900], xs[999_999] = 1, 1, 2
		is := func(want int) func(int) bool {
			return func(x int) bool { return x == want }
		}
		if i, err := Find(ctx, xs, is(1)); i != 700 || err != nil {
			t.Fatal(i, err)
		}
		if i, err := Find(ctx, xs, is(2)); i != 999_999 || err != nil {
			t.Fatal(i, err)
		}
		if i, err := Find(ctx, xs, is(3)); i != -1 || err != nil {
			t.Fatal(i, err)
		}
		any1, err1 := Any(ctx, xs, is(1))
		any3, err2 := Any(ctx, xs, is(3))
		all0, err3 := All(ctx, xs, is(0))
		all, err4 := All(ctx, xs[:700], is(0))
		if !any1 || any3 || all0 || !all || errors.Join(err1, err2, err3, err4) != nil {
			t.Error(any1, any3, all0, all, err1, err2, err3, err4)
		}
	})
}

// Who goes through the elements in order looks at none behind the one that it has found. How far several workers get until
// somebody has found it depends on how they are scheduled.
func TestFindStopsEarly(t *testing.T) {
	_, ctx := sequential(t)
	xs := make([]int, 1_000_000)
	xs[700], xs[900] = 1, 1
	looked := 0
	if i, err := Find(ctx, xs, func(x int) bool { looked++; return x == 1 }); i != 700 || err != nil {
		t.Fatal(i, err)
	}
	if looked != 701 {
		t.Errorf("looked at %d elements", looked)
	}
}

// What is behind an index that has failed does not begin, and all that is before it is done.
func TestALoopDropsWhatIsBehindAFailure(t *testing.T) {
	const failed, n = 700, 1_000_000
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for range 20 {
			var before, behind atomic.Int64
			l := &loop{body: func(_ *Task, lo, hi int) {
				before.Add(int64(max(0, min(hi, failed)-lo)))
				if lo > failed {
					behind.Add(1)
				}
			}}
			_, err := Run(ctx, func(task *Task) (int, error) {
				l.ctx = task
				l.failedAt.Store(never)
				l.fail(failed, nil, errFound)
				l.span(task, 0, n)
				return 0, l.err
			})
			if err != errFound || before.Load() != failed || behind.Load() != 0 {
				t.Fatalf("%d items before the failure, %d spans behind it, %v", before.Load(), behind.Load(), err)
			}
		}
	})
}

func TestAlgorithmsEndWhenTheContextDoes(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	done, cancel := context.WithCancel(ctx)
	cancel()
	xs := rand.Perm(1000)
	id := func(x int) int { return x }
	is := func(int) bool { return true }
	add := func(a, b int) int { return a + b }
	for name, f := range map[string]func() error{
		"Sort":           func() error { return Sort(done, xs) },
		"SortFunc":       func() error { return SortFunc(done, xs, cmp.Compare[int]) },
		"SortStableFunc": func() error { return SortStableFunc(done, xs, cmp.Compare[int]) },
		"MergeSorted":    func() error { _, err := MergeSorted(done, xs, xs, cmp.Compare[int]); return err },
		"Scan":           func() error { _, err := Scan(done, xs, add); return err },
		"PrefixSum":      func() error { return PrefixSum(done, xs, xs) },
		"Sum":            func() error { _, err := Sum(done, xs); return err },
		"MapSpans":       func() error { return MapSpans(done, xs, xs, func(_, _ []int) {}) },
		"Filter":         func() error { _, err := Filter(done, xs, is); return err },
		"Partition":      func() error { _, err := Partition(done, xs, is); return err },
		"GroupBy":        func() error { _, err := GroupBy(done, xs, id); return err },
		"Histogram":      func() error { _, err := Histogram(done, xs, 1000, id); return err },
		"MinMax":         func() error { _, _, err := MinMax(done, xs); return err },
		"Find":           func() error { _, err := Find(done, xs, is); return err },
		"All":            func() error { _, err := All(done, xs, is); return err },
	} {
		if err := f(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, f := range map[string]func(){
		"SortFunc":       func() { _ = SortFunc(ctx, xs, nil) },
		"SortStableFunc": func() { _ = SortStableFunc(ctx, xs, nil) },
		"MergeSorted":    func() { _, _ = MergeSorted(ctx, xs, xs, nil) },
		"Scan":           func() { _, _ = Scan(ctx, xs, nil) },
		"MapSpans":       func() { _ = MapSpans[int, int](ctx, xs, xs, nil) },
		"ReduceSpans":    func() { _, _ = ReduceSpans[int](ctx, xs, 0, nil, add) },
		"Filter":         func() { _, _ = Filter(ctx, xs, nil) },
		"Partition":      func() { _, _ = Partition(ctx, xs, nil) },
		"GroupBy":        func() { _, _ = GroupBy[int, int](ctx, xs, nil) },
		"Histogram":      func() { _, _ = Histogram(ctx, xs, 1, nil) },
		"Find":           func() { _, _ = Find(ctx, xs, nil) },
		"All":            func() { _, _ = All(ctx, xs, nil) },
	} {
		if r := mustPanic(t, f); !strings.Contains(fmt.Sprint(r), name) {
			t.Errorf("%s of nil: %v", name, r)
		}
	}
	for name, f := range map[string]func(){
		"PrefixSum": func() { _ = PrefixSum(ctx, xs[1:], xs) },
		"MapSpans":  func() { _ = MapSpans(ctx, xs[1:], xs, func(_, _ []int) {}) },
	} {
		if r := mustPanic(t, f); !strings.Contains(fmt.Sprint(r), name) {
			t.Errorf("%s into another length: %v", name, r)
		}
	}
}

// What a scan does when its units are summed in another order than that in which they were begun.
func TestScanWhenTheFirstUnitIsTheLastToBeSummed(t *testing.T) {
	_, ctx := newScheduler(t, WithWorkers(2))
	xs := make([]int, 40*scanUnitLeast)
	units := max(1, len(xs)/scanUnitLeast)
	others := make(chan struct{})
	var summed atomic.Int32
	s := &scanning[int]{xs: xs, out: make([]int, len(xs)), op: func(a, b int) int { return a + b }}
	for i := range xs {
		xs[i] = i
	}
	s.sum = func(xs []int) int {
		if xs[0] == 0 {
			<-others // the worker of the first unit is blocked until all others are summed
		} else if summed.Add(1) == int32(units-1) {
			close(others)
		}
		return sumOf(xs)
	}
	s.write = prefixSums[int]
	if err := s.run(ctx); err != nil {
		t.Fatal(err)
	}
	for i, x := range s.out {
		if x != i*(i+1)/2 {
			t.Fatalf("sum to %d is %d", i, x)
		}
	}
}

func TestSequencesAreGoneThroughAndReduced(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for _, n := range lengths {
			seen := make([]atomic.Int32, n)
			if err := ForEach(ctx, upTo(n), func(_ *Task, i int) error { seen[i].Add(1); return nil }); err != nil {
				t.Fatal(err)
			}
			for i := range seen {
				if seen[i].Load() != 1 {
					t.Fatalf("element %d was seen %d times", i, seen[i].Load())
				}
			}
			add := func(a, b int) int { return a + b }
			if got, err := ReduceSeq(ctx, upTo(n), 0, add, add); got != n*(n-1)/2 || err != nil {
				t.Fatal(got, err)
			}
		}
		if err := ForEach(ctx, upTo(1000), func(_ *Task, i int) error {
			if i == 50 {
				return io.EOF
			}
			return nil
		}); err != io.EOF {
			t.Error(err)
		}
		for name, f := range map[string]func(){
			"ForEach":   func() { _ = ForEach[int](ctx, upTo(1), nil) },
			"ReduceSeq": func() { _, _ = ReduceSeq[int, int](ctx, upTo(1), 0, nil, nil) },
		} {
			if r := mustPanic(t, f); !strings.Contains(fmt.Sprint(r), name) {
				t.Errorf("%s of nil: %v", name, r)
			}
		}
	})
}

func TestAlgorithmsNestInTasks(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		sums, err := Map(ctx, make([]int, 20), func(t *Task, _ int) (int, error) {
			xs := rand.Perm(3000)
			if err := Sort(t, xs); err != nil || !slices.IsSorted(xs) {
				return 0, fmt.Errorf("not sorted: %w", err)
			}
			even, err := Filter(t, xs, func(x int) bool { return x%2 == 0 })
			if err != nil {
				return 0, err
			}
			add := func(a, b int) int { return a + b }
			return Reduce(t, even, 0, add, add)
		})
		if err != nil || sums[7] != 1500*1499 {
			t.Error(sums, err)
		}
	})
}

func TestAlgorithmsDoNotAllocateForElements(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	_, ctx := newScheduler(t, WithWorkers(2))
	xs := rand.Perm(200_000)
	ys := slices.Clone(xs)
	add := func(a, b int) int { return a + b }
	odd := func(x int) bool { return x%2 == 1 }
	for name, f := range map[string]func() error{
		"Sort":           func() error { copy(ys, xs); return Sort(ctx, ys) },
		"SortFunc":       func() error { copy(ys, xs); return SortFunc(ctx, ys, cmp.Compare[int]) },
		"SortStableFunc": func() error { copy(ys, xs); return SortStableFunc(ctx, ys, cmp.Compare[int]) },
		"Scan":           func() error { _, err := Scan(ctx, xs, add); return err },
		"PrefixSum":      func() error { return PrefixSum(ctx, ys, xs) },
		"Sum":            func() error { _, err := Sum(ctx, xs); return err },
		"Filter":         func() error { _, err := Filter(ctx, xs, odd); return err },
		"Partition":      func() error { copy(ys, xs); _, err := Partition(ctx, ys, odd); return err },
		"Find":           func() error { _, err := Find(ctx, xs, func(x int) bool { return x < 0 }); return err },
	} {
		_ = f()
		if n := testing.AllocsPerRun(3, func() {
			if err := f(); err != nil {
				t.Error(err)
			}
		}); n > 2000 {
			t.Errorf("%s of %d elements allocates %v times", name, len(xs), n)
		}
	}
}
