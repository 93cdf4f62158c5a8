package sched_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pinwheel-sched/pinwheel/sched"
)

func ExampleSort() {
	keys := []string{"wheel", "deque", "fiber"}
	err := sched.Sort(context.Background(), keys)
	fmt.Println(keys, err)
	// Output: [deque fiber wheel] <nil>
}

func ExampleSortFunc() {
	words := []string{"wheel", "park", "steal", "go"}
	err := sched.SortFunc(context.Background(), words, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	fmt.Println(words, err)
	// Output: [go park steal wheel] <nil>
}

func ExampleSortStableFunc() {
	words := []string{"wheel", "park", "steal", "go"}
	err := sched.SortStableFunc(context.Background(), words, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	fmt.Println(words, err)
	// Output: [go park wheel steal] <nil>
}

func ExampleSortFunc_notAnOrder() {
	xs := []int{3, 1, 2}
	err := sched.SortFunc(context.Background(), xs, func(a, b int) int { return -1 })
	fmt.Println(err)
	// Output: pinwheel: the comparison is not an order
}

func ExampleMergeSorted() {
	all, err := sched.MergeSorted(context.Background(), []int{1, 4, 9}, []int{2, 3, 10}, cmp.Compare[int])
	fmt.Println(all, err)
	// Output: [1 2 3 4 9 10] <nil>
}

func ExampleScan() {
	sums, err := sched.Scan(context.Background(), []int{3, 1, 4, 1, 5}, func(a, b int) int { return a + b })
	fmt.Println(sums, err)
	// Output: [3 4 8 9 14] <nil>
}

func ExamplePrefixSum() {
	xs := []float64{3, 1, 4, 1, 5}
	err := sched.PrefixSum(context.Background(), xs, xs)
	fmt.Println(xs, err)
	// Output: [3 4 8 9 14] <nil>
}

func ExampleSum() {
	sum, err := sched.Sum(context.Background(), []float64{3, 1, 4, 1, 5})
	fmt.Println(sum, err)
	// Output: 14 <nil>
}

func ExampleMapSpans() {
	celsius := []float64{-40, 0, 100}
	fahrenheit := make([]float64, len(celsius))
	err := sched.MapSpans(context.Background(), fahrenheit, celsius, func(dst, xs []float64) {
		for i, x := range xs {
			dst[i] = x*9/5 + 32
		}
	})
	fmt.Println(fahrenheit, err)
	// Output: [-40 32 212] <nil>
}

func ExampleReduceSpans() {
	words := []string{"deque", "fiber", "wheel", "a", "worker"}
	bytes, err := sched.ReduceSpans(context.Background(), words, 0, func(words []string) (n int) {
		for _, w := range words {
			n += len(w)
		}
		return n
	}, func(a, b int) int { return a + b })
	fmt.Println(bytes, err)
	// Output: 22 <nil>
}

func ExampleFilter() {
	even, err := sched.Filter(context.Background(), []int{3, 8, 4, 1, 6}, func(x int) bool { return x%2 == 0 })
	fmt.Println(even, err)
	// Output: [8 4 6] <nil>
}

func ExamplePartition() {
	xs := []int{3, 8, 4, 1, 6}
	n, err := sched.Partition(context.Background(), xs, func(x int) bool { return x%2 == 0 })
	fmt.Println(n, err)
	// Output: 3 <nil>
}

func ExampleGroupBy() {
	words := []string{"deque", "fiber", "fork", "wheel", "worker"}
	groups, err := sched.GroupBy(context.Background(), words, func(s string) byte { return s[0] })
	for _, k := range slices.Sorted(maps.Keys(groups)) {
		fmt.Println(string(k), groups[k])
	}
	fmt.Println(err)
	// Output:
	// d [deque]
	// f [fiber fork]
	// w [wheel worker]
	// <nil>
}

func ExampleHistogram() {
	text := []byte("the quick brown fox")
	counts, err := sched.Histogram(context.Background(), text, 256, func(b byte) int { return int(b) })
	fmt.Println(counts['o'], counts[' '], err)
	// Output: 2 3 <nil>
}

func ExampleMinMax() {
	least, greatest, err := sched.MinMax(context.Background(), []float64{2.5, -1, 7})
	fmt.Println(least, greatest, err)
	// Output: -1 7 <nil>
}

func ExampleFind() {
	i, err := sched.Find(context.Background(), []string{"a", "bb", "cc"}, func(s string) bool { return len(s) == 2 })
	fmt.Println(i, err)
	// Output: 1 <nil>
}

func ExampleAll() {
	lower := func(s string) bool { return s == strings.ToLower(s) }
	all, err := sched.All(context.Background(), []string{"a", "B"}, lower)
	fmt.Println(all, err)
	// Output: false <nil>
}

func ExampleForEach() {
	seen := make([]bool, 5)
	err := sched.ForEach(context.Background(), slices.Values([]int{0, 2, 4}), func(_ *sched.Task, i int) error {
		seen[i] = true
		return nil
	})
	fmt.Println(seen, err)
	// Output: [true false true false true] <nil>
}

func ExampleReduceSeq() {
	lines := strings.Lines("one\ntwo\nthree\n")
	n, err := sched.ReduceSeq(context.Background(), lines, 0,
		func(n int, line string) int { return n + len(line) },
		func(a, b int) int { return a + b })
	fmt.Println(n, err)
	// Output: 14 <nil>
}

func ExampleAny() {
	any, err := sched.Any(context.Background(), []int{3, 8, 4}, func(x int) bool { return x > 7 })
	fmt.Println(any, err)
	// Output: true <nil>
}
