package workload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

func TestMain(m *testing.M) {
	Child()
	os.Exit(m.Run())
}

// sample is a small tree to walk.
func sample(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for path, text := range map[string]string{
		"a.go":           "package a\n\nfunc F() int { return 1 }\n",
		"b/b.go":         "package b\n",
		"b/c/c.go":       "package c\n\n// C is documented.\nvar C = []int{1, 2, 3}\n",
		"b/c/not.txt":    "package ignored\n",
		"b.go":           "package a\n",
		"c/broken.go":    "package",
		"c/empty.go":     "",
		"dir.go/deep.go": "package deep\n",
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func measure(t *testing.T, w *bench.Workload, n string, options map[string]string, s bench.Settings) []bench.Result {
	t.Helper()
	s.Count = 1
	var plan bench.Plan
	if err := plan.Add(w, n, 1, options); err != nil {
		t.Fatal(err)
	}
	results, err := plan.Measure(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if !r.Verified {
			t.Errorf("%s %s on %s with %d workers: %s", r.Workload, n, r.Runtime, r.Workers, r.Error)
		}
	}
	return results
}

func TestEveryWorkloadGivesTheRightAnswerOnEveryRuntime(t *testing.T) {
	for _, w := range All {
		t.Run(w.Name, func(t *testing.T) {
			options := map[string]string{}
			if w.Takes("input") {
				options["input"] = sample(t)
			}
			results := measure(t, w, w.TestN, options, bench.Settings{Runtimes: bench.Runtimes, Workers: []int{1, 2, 8}})
			variants := map[string]int{}
			serial := map[string]int{} // those that have a serial form
			for _, r := range results {
				variants[r.Variant]++
				if r.Runtime == bench.Serial {
					serial[r.Variant]++
				}
			}
			for variant, rows := range variants {
				if rows-serial[variant] != 6 || serial[variant] > 1 { // pinwheel and goroutines with three numbers of workers
					t.Errorf("%d results %s, of which %d are serial", rows, variant, serial[variant])
				}
			}
		})
	}
}

func TestEveryWorkloadSaysWhatItIs(t *testing.T) {
	for _, w := range All {
		if Find(w.Name) != w {
			t.Errorf("two workloads are called %s", w.Name)
		}
		for what, s := range map[string]string{"Doc": w.Doc, "Size": w.Size, "Unit": w.Unit, "N": w.N, "TestN": w.TestN} {
			if s == "" {
				t.Errorf("%s has no %s", w.Name, what)
			}
		}
	}
	if Find("no-such") != nil {
		t.Error("found a workload that does not exist")
	}
}

// job prepares and builds.
func job(t *testing.T, w *bench.Workload, n string, options map[string]string) *bench.Job {
	t.Helper()
	build, err := w.Prepare(bench.Params{N: n, Options: options})
	if err != nil {
		t.Fatalf("%s: %v", w.Name, err)
	}
	j, err := build(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", w.Name, err)
	}
	return j
}

// someOptions returns a value for each of the workload's options.
func someOptions(t *testing.T, w *bench.Workload) map[string]string {
	options := map[string]string{}
	for _, o := range w.Options {
		options[o.Name], _, _ = strings.Cut(o.Default, ",")
	}
	if w.Takes("input") {
		options["input"] = sample(t)
	}
	return options
}

func TestEveryWorkloadRefusesAWrongAnswer(t *testing.T) {
	for _, w := range All {
		j := job(t, w, w.TestN, someOptions(t, w))
		for _, answer := range []string{"", "-1", "NaN"} {
			if j.Verify(answer) == nil {
				t.Errorf("%s accepts the answer %q", w.Name, answer)
			}
		}
	}
}

func TestEveryWorkloadRefusesASizeThatItCannotHave(t *testing.T) {
	refuses := func(w *bench.Workload, n string) {
		t.Helper()
		_, err := w.Prepare(bench.Params{N: n, Options: someOptions(t, w)})
		if err == nil || !strings.Contains(err.Error(), "--n") && !strings.Contains(err.Error(), "no such file") {
			t.Errorf("%s with n = %q: %v", w.Name, n, err)
		}
	}
	for _, w := range All {
		for _, n := range []string{"", "x", "-1", "1.5", "99999999999999999999", "1e400", "../up"} {
			refuses(w, n)
		}
	}
	for w, n := range map[*bench.Workload]string{strassen: "96", skynet: "2000", nqueens: "17", fib: "61", idle: "2h"} {
		refuses(w, n)
	}
}

func TestQueensHaveThePublishedNumbersOfSolutions(t *testing.T) {
	for n := 1; n <= 9; n++ {
		measure(t, nqueens, fmt.Sprint(n), nil, bench.Settings{Runtimes: bench.Runtimes, Workers: []int{2}})
	}
}

func TestUTSTreesHaveThePublishedCounts(t *testing.T) {
	trees := []string{"T1"}
	if !testing.Short() && !raceEnabled {
		trees = append(trees, "T2", "T3")
	}
	for _, tree := range trees {
		measure(t, uts, tree, nil, bench.Settings{Runtimes: []bench.Runtime{bench.Goroutines}, Workers: []int{2}})
	}
}

func TestSkynetOfAMillion(t *testing.T) {
	r := measure(t, skynet, "1e6", nil, bench.Settings{Runtimes: []bench.Runtime{bench.Pinwheel, bench.Serial}, Workers: []int{2}})
	if r[0].Result != "499999500000" {
		t.Error(r[0].Result)
	}
}

// awkward are inputs on which sorts go wrong.
func awkward() map[string][]int {
	inputs := map[string][]int{}
	for _, n := range []int{0, 1, 2, insertionUpTo, insertionUpTo + 1, 1000, 3 * mergeSome} {
		up, down, same, two, random := make([]int, n), make([]int, n), make([]int, n), make([]int, n), make([]int, n)
		for i := range n {
			up[i], down[i], same[i], two[i], random[i] = i, -i, 7, i%2, rand.IntN(n/2+1)
		}
		for name, a := range map[string][]int{"rising": up, "falling": down, "equal": same, "two values": two, "random": random} {
			inputs[fmt.Sprintf("%d %s", n, name)] = a
		}
	}
	return inputs
}

func TestSortsSortWhatIsAwkward(t *testing.T) {
	s, err := sched.New(sched.WithWorkers(3))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := sched.With(t.Context(), s)
	task := func(sort func(t *sched.Task) struct{}) {
		if _, err := sched.Run(ctx, func(t *sched.Task) (struct{}, error) { return sort(t), nil }); err != nil {
			t.Error(err)
		}
	}
	for name, input := range awkward() {
		want := slices.Sorted(slices.Values(input))
		for sorter, sort := range map[string]func(a, space []int){
			"quicksort":            func(a, _ []int) { quicksortSerial(a) },
			"quicksort tasks":      func(a, _ []int) { task(func(t *sched.Task) struct{} { return quicksortTask(t, a) }) },
			"quicksort goroutines": func(a, _ []int) { quicksortGoroutines(a, 50) },
			"mergesort":            func(a, space []int) { newSorting(a, space).serial() },
			"mergesort tasks": func(a, space []int) {
				task(func(t *sched.Task) struct{} { return mergesortTask(t, newSorting(a, space)) })
			},
			"mergesort goroutines": func(a, space []int) { newSorting(a, space).goroutines(50) },
		} {
			a := slices.Clone(input)
			sort(a, make([]int, len(a)))
			if !slices.Equal(a, want) {
				t.Errorf("%s: %s: %v", sorter, name, a)
			}
		}
	}
}

func TestMatrixProductsOfAwkwardSizes(t *testing.T) {
	for _, n := range []string{"1", "2", "31", "33", "65", "129"} {
		measure(t, matmul, n, nil, bench.Settings{Runtimes: bench.Runtimes, Workers: []int{3}})
	}
	for _, n := range []string{"1", "2", "64", "256"} {
		measure(t, strassen, n, nil, bench.Settings{Runtimes: bench.Runtimes, Workers: []int{3}})
	}
}

func TestFreivaldsFindsOneWrongElement(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	a, b, c := randomMatrix(20, rng), randomMatrix(20, rng), newMatrix(20, 20)
	check := newFreivalds(a, b, rng)
	addProduct(c, a, b)
	if check.of(c) != check.want {
		t.Error("the product is refused")
	}
	for i := range check.vector {
		check.vector[i]++ // none is 0
	}
	check.want = fingerprint(a.times(b.times(check.vector)))
	c.data[123]++
	if check.of(c) == check.want {
		t.Error("a wrong element is not noticed")
	}
}

func TestStrassenCountsItsBlockProducts(t *testing.T) {
	for n, want := range map[string]int64{"1": 1, "64": 1, "128": 7, "256": 49, "512": 343} {
		if got := job(t, strassen, n, nil).Tasks; got != want {
			t.Errorf("%s: %d, want %d", n, got, want)
		}
	}
}

func TestFilesFindsGoFilesInWalkOrderOnly(t *testing.T) {
	a, err := filesSerial(t.Context(), sample(t))
	if err != nil || a.files != 7 {
		t.Errorf("%v, %v, want 7 files", a, err)
	}
}

func TestFilesRefusesWhatIsNoTree(t *testing.T) {
	file := filepath.Join(sample(t), "a.go")
	for _, dir := range []string{"/no/such/dir", file, t.TempDir()} {
		if _, err := files.Prepare(bench.Params{N: ".", Options: map[string]string{"input": dir}}); err == nil {
			t.Errorf("%s is accepted", dir)
		}
	}
}

func TestFilesNoticesThatAFileIsMissing(t *testing.T) {
	dir := sample(t)
	j := job(t, files, ".", map[string]string{"input": dir})
	if err := os.Remove(filepath.Join(dir, "b.go")); err != nil {
		t.Fatal(err)
	}
	a, err := filesGoroutines(t.Context(), dir, 2)
	if err != nil || j.Verify(a.String()) == nil {
		t.Errorf("%v, %v", a, err)
	}
}

func TestFilesReportsAnUnreadableFile(t *testing.T) {
	dir := sample(t)
	bad := filepath.Join(dir, "c/broken.go")
	if err := os.Chmod(bad, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(bad); err == nil {
		t.Skip("this user may read everything")
	}
	for rt, process := range map[bench.Runtime]func() (*archive, error){
		bench.Serial:     func() (*archive, error) { return filesSerial(t.Context(), dir) },
		bench.Goroutines: func() (*archive, error) { return filesGoroutines(t.Context(), dir, 2) },
		bench.Pinwheel:   func() (*archive, error) { return filesPinwheel(t.Context(), dir) },
	} {
		if _, err := process(); err == nil || !strings.Contains(err.Error(), "broken.go") {
			t.Errorf("%s: %v", rt, err)
		}
	}
}

func TestFilesOfGoroutinesEndWhenTheContextDoes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := filesGoroutines(ctx, sample(t), 2); err == nil {
		t.Error("no error")
	}
}

func TestSubmitEndsWhenTheContextDoes(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	lost := submission(10, 2, func(context.Context, func()) func() { return func() {} })
	if _, err := lost(bench.NewRun(ctx, 1)); err == nil {
		t.Error("tasks that never run are not noticed")
	}
}

func TestStreamsOfEveryKind(t *testing.T) {
	measure(t, stream, "2000", map[string]string{"item": "0s,1us,10us", "mode": "ordered,unordered,keyed"},
		bench.Settings{Runtimes: bench.Runtimes, Workers: []int{1, 2}})
	measure(t, stream, "300", map[string]string{"item": "1us", "mode": "slow"},
		bench.Settings{Runtimes: bench.Runtimes, Workers: []int{2}})
	for option, values := range map[string][]string{"item": {"", "x", "-1us", "1h"}, "mode": {"", "random"}} {
		for _, value := range values {
			options := map[string]string{"item": "1us", "mode": "ordered"}
			options[option] = value
			if _, err := stream.Prepare(bench.Params{N: "10", Options: options}); err == nil || !strings.Contains(err.Error(), "--"+option) {
				t.Errorf("%s=%q: %v", option, value, err)
			}
		}
	}
}

func TestAStreamOutOfOrderIsNoticed(t *testing.T) {
	in, out := tally{order: true}, tally{order: true}
	for i := range uint64(10) {
		in.add(i)
		out.add(i ^ 1)
	}
	if in.sum == out.sum {
		t.Error("the order does not show")
	}
}
