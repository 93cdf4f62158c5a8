package workload

import (
	"sync"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// quicksort forks the lower side of every partition and goes on with the upper one.
var quicksort = &bench.Workload{
	Name: "quicksort", Doc: "quicksort of n random numbers",
	Size: "n", Unit: "element", N: "1000000", TestN: "5000",
	Prepare: sortJob(map[bench.Runtime]sorter{
		bench.Pinwheel: func(r *bench.Run, a, _ []int) error {
			_, err := sched.Run(r.Context, func(t *sched.Task) (struct{}, error) { return quicksortTask(t, a), nil })
			return err
		},
		bench.Goroutines: func(r *bench.Run, a, _ []int) error {
			quicksortGoroutines(a, grain(len(a), r.Workers))
			return nil
		},
		bench.Serial: func(_ *bench.Run, a, _ []int) error {
			quicksortSerial(a)
			return nil
		},
	}),
}

// partition puts the elements into an order in which none of a[:i] is larger than any of a[i:]. Hoare's, round the median of
// three, which is what keeps both sides from being empty: of the three there is one for each scan to stop at. There must be
// at least three elements.
func partition(a []int) (i int) {
	pivot := middle(a[0], a[len(a)/2], a[len(a)-1])
	i, j := 0, len(a)-1
	for {
		for a[i] < pivot {
			i++
		}
		for a[j] > pivot {
			j--
		}
		if i >= j {
			return i
		}
		a[i], a[j] = a[j], a[i]
		i++
		j--
	}
}

func middle(x, y, z int) int { return max(min(x, y), min(max(x, y), z)) }

var quicksorts = sched.NewFork[[]int, struct{}]()

func quicksortTask(t *sched.Task, a []int) struct{} {
	if len(a) <= insertionUpTo {
		insertionSort(a)
		return struct{}{}
	}
	i := partition(a)
	f := quicksorts.Fork(t, quicksortTask, a[:i])
	quicksortTask(t, a[i:])
	f.Join(t)
	return struct{}{}
}

// grain is the length below which goroutines are not worth it: a fair share of n for each worker, eight times over, and not
// so small that starting them shows.
func grain(n, workers int) int { return max(n/(8*workers), 4096) }

func quicksortGoroutines(a []int, grain int) {
	var wg sync.WaitGroup
	for len(a) > grain {
		i := partition(a)
		left := a[:i]
		wg.Go(func() { quicksortGoroutines(left, grain) })
		a = a[i:]
	}
	quicksortSerial(a)
	wg.Wait()
}

func quicksortSerial(a []int) {
	for len(a) > insertionUpTo {
		i := partition(a)
		quicksortSerial(a[:i])
		a = a[i:]
	}
	insertionSort(a)
}
