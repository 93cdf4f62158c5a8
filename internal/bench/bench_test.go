package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// noting is a workload that writes down in which order its bodies ran.
func noting(log *[]string, bodies ...Runtime) *Workload {
	return &Workload{
		Name: "noting", Unit: "thing", N: "1",
		Prepare: func(p Params) (Build, error) {
			n, err := p.Int(1, 100)
			if err != nil {
				return nil, err
			}
			job := &Job{Tasks: int64(n), Bodies: map[Runtime]Body{}, Verify: Answer("right")}
			for _, rt := range bodies {
				job.Bodies[rt] = func(r *Run) (string, error) {
					*log = append(*log, fmt.Sprintf("%s/%d", rt, r.Workers))
					return "right", nil
				}
			}
			return Later(func() *Job { return job }), nil
		},
	}
}

func measure(t *testing.T, ctx context.Context, w *Workload, s Settings) ([]Result, error) {
	t.Helper()
	var p Plan
	if err := p.Add(w, "2", 1, nil); err != nil {
		t.Fatal(err)
	}
	return p.Measure(ctx, s)
}

func TestRunsAreInterleaved(t *testing.T) {
	var log []string
	w := noting(&log, Goroutines, Serial)
	results, err := measure(t, t.Context(), w, Settings{Runtimes: []Runtime{Goroutines, Serial}, Workers: []int{1, 2}, Count: 2, Warmup: 1})
	if err != nil {
		t.Fatal(err)
	}
	round := []string{"goroutines/1", "goroutines/2", "serial/1"}
	if want := slices.Concat(round, round, round); !slices.Equal(log, want) {
		t.Errorf("ran %v, want %v", log, want)
	}
	for _, r := range results {
		if len(r.WallNs) != 2 || !r.Verified || r.Result != "right" || r.Tasks != 2 || r.NsPerTask != r.MedianNs/2 {
			t.Errorf("%+v", r)
		}
	}
}

func TestARuntimeThatAWorkloadDoesNotHaveIsLeftOut(t *testing.T) {
	var log []string
	results, err := measure(t, t.Context(), noting(&log, Serial), Settings{Runtimes: Runtimes, Workers: []int{1}, Count: 1})
	if err != nil || len(results) != 1 || results[0].Runtime != Serial {
		t.Errorf("%v, %v", results, err)
	}
}

func TestWhatIsOverTooSoonIsRepeated(t *testing.T) {
	var log []string
	s := Settings{Runtimes: []Runtime{Serial}, Workers: []int{1}, Count: 1}
	for s.Least = time.Millisecond; len(log) < 3; s.Least *= 2 { // one repetition takes long if it loses its CPU
		if s.Least > time.Hour {
			t.Fatal("nothing is repeated")
		}
		log = nil
		begin := time.Now()
		results, err := measure(t, t.Context(), noting(&log, Serial), s)
		if err != nil {
			t.Fatal(err)
		}
		// A median of several is at most half of all.
		if wall, all := results[0].WallNs[0], time.Since(begin); len(log) > 2 && wall > int64(all)/2 {
			t.Errorf("%d ns is not the median of %d repetitions in %v", wall, len(log), all)
		}
	}
}

// one is a workload with a single serial body.
func one(body Body, verify func(string) error) *Workload {
	return &Workload{
		Name: "one", Unit: "thing", N: "1",
		Prepare: func(Params) (Build, error) {
			return Later(func() *Job { return &Job{Tasks: 1, Bodies: map[Runtime]Body{Serial: body}, Verify: verify} }), nil
		},
	}
}

var serially = Settings{Runtimes: []Runtime{Serial}, Workers: []int{1}, Count: 3}

func TestFailuresAreInTheResult(t *testing.T) {
	for want, body := range map[string]Body{
		"wrong answer 4, want 5": func(*Run) (string, error) { return "4", nil },
		"out of order":           func(*Run) (string, error) { return "", errors.New("out of order") },
		"panic: everywhere":      func(*Run) (string, error) { panic("everywhere") },
	} {
		results, err := measure(t, t.Context(), one(body, Answer("5")), serially)
		if err != nil || len(results) != 1 || results[0].Verified || !strings.Contains(results[0].Error, want) {
			t.Errorf("%v, %v, want the error %q", results, err, want)
		}
	}
}

func TestALaterFailureEndsTheSeries(t *testing.T) {
	runs := 0
	body := func(*Run) (string, error) {
		runs++
		return fmt.Sprint(runs), nil
	}
	results, err := measure(t, t.Context(), one(body, Answer("1")), serially)
	if err != nil || runs != 2 || results[0].Verified || len(results[0].WallNs) != 1 || results[0].Result != "2" {
		t.Errorf("%d runs, %+v, %v", runs, results, err)
	}
}

func TestABuildThatFailsIsAFailureOfEveryRuntime(t *testing.T) {
	w := &Workload{Name: "unbuilt", Prepare: func(Params) (Build, error) {
		return func(context.Context) (*Job, error) { return nil, errors.New("no bricks") }, nil
	}}
	results, err := measure(t, t.Context(), w, Settings{Runtimes: []Runtime{Goroutines, Serial}, Workers: []int{2}, Count: 1})
	if err != nil || len(results) != 2 || results[0].Error != "no bricks" || results[1].Error != "no bricks" {
		t.Errorf("%+v, %v", results, err)
	}
}

func TestAnInterruptionKeepsWhatWasFinished(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	runs := 0
	body := func(r *Run) (string, error) {
		if runs++; runs == 3 {
			cancel()
			<-r.Context.Done()
		}
		return "", nil
	}
	results, err := measure(t, ctx, one(body, Answer("")), serially)
	if !errors.Is(err, ErrInterrupted) || len(results) != 1 || len(results[0].WallNs) != 2 || !results[0].Verified || results[0].MedianNs == 0 {
		t.Errorf("%+v, %v", results, err)
	}
}

func TestAnInterruptionDoesNotWaitForARunThatIgnoresIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	defer close(release)
	body := func(*Run) (string, error) {
		cancel()
		<-release
		return "", nil
	}
	results, err := measure(t, ctx, one(body, Answer("")), serially) // hangs if it does
	if !errors.Is(err, ErrInterrupted) || len(results) != 0 {
		t.Errorf("%+v, %v", results, err)
	}
}

func TestTheClockLeavesOutWhatIsNotTheWork(t *testing.T) {
	const pause = 20 * time.Millisecond
	body := func(r *Run) (string, error) {
		time.Sleep(pause)
		r.Start()
		r.Stop()
		time.Sleep(pause)
		return "", nil
	}
	results, err := measure(t, t.Context(), one(body, Answer("")), serially)
	if err != nil || results[0].MedianNs > float64(pause)/2 {
		t.Errorf("%v, %v", results, err)
	}
}

func TestAllocationsLeaveOutWhatIsNotTheWork(t *testing.T) {
	const few, many = 1_000, 100_000
	var kept []*int
	allocate := func(n int) {
		for i := range n {
			kept = append(kept, &i)
		}
		kept = nil
	}
	for _, c := range []struct {
		name        string
		start       bool
		least, most float64
	}{
		{"with a preparation", true, few, many},
		{"without", false, few + 2*many, math.Inf(1)},
	} {
		body := func(r *Run) (string, error) {
			allocate(many)
			if c.start {
				r.Start()
			}
			allocate(few)
			if c.start {
				r.Stop()
			}
			allocate(many)
			return "", nil
		}
		results, err := measure(t, t.Context(), one(body, Answer("")), serially)
		if err != nil {
			t.Fatal(err)
		}
		r := results[0]
		if n := r.Metrics["allocs_per_task"] * float64(r.Tasks); n < c.least || n > c.most {
			t.Errorf("%s: %v allocations, want %v to %v", c.name, n, c.least, c.most)
		}
		if n := r.Metrics["bytes_per_task"] * float64(r.Tasks); n < 8*c.least {
			t.Errorf("%s: %v bytes", c.name, n)
		}
	}
}

func TestTheTimeOfASampledRunIsTheMedianSample(t *testing.T) {
	runs := 0
	body := func(r *Run) (string, error) {
		runs++
		r.Samples([]time.Duration{5, 1, 1000})
		return "", nil
	}
	s := serially
	s.Least = time.Second // a sampled run is not repeated for it
	results, err := measure(t, t.Context(), one(body, Answer("")), s)
	if err != nil || runs != s.Count {
		t.Fatalf("%d runs, %v", runs, err)
	}
	m := results[0].Metrics
	if results[0].MedianNs != 5 || m["p50_ns"] != 5 || m["p99_ns"] != 1000 || math.Abs(m["mean_ns"]-1006.0/3) > 1e-9 {
		t.Errorf("%+v", results[0])
	}
}

func TestSpeedupIsAgainstSerialAndIdealLeavesOutWhatItUses(t *testing.T) {
	row := func(rt Runtime, workers int, wall int64, cpus float64) *series {
		r := &series{out: Result{Runtime: rt, Workers: workers, Tasks: 1, Metrics: map[string]float64{}}, metrics: map[string][]float64{}}
		r.record(outcome{wall: time.Duration(wall), metrics: map[string]float64{"cpu_fraction": cpus}})
		return r
	}
	u := unit{rows: []*series{row(Pinwheel, 2, 100, 1.9), row(Serial, 1, 170, 1.25)}}
	u.finish(&Job{Ideal: true})
	m := u.rows[0].out.Metrics
	if m["speedup"] != 1.7 || m["ideal_speedup"] != 1.6 || m["cpu_busy"] != 0.95 {
		t.Errorf("%v", m)
	}
	// Serial code that had to wait for a CPU does not make more than the workers possible.
	u = unit{rows: []*series{row(Pinwheel, 2, 100, 1.9), row(Serial, 1, 170, 0.5)}}
	u.finish(&Job{Ideal: true})
	if ideal := u.rows[0].out.Metrics["ideal_speedup"]; ideal != 2 {
		t.Errorf("ideal speed-up %v of 2 workers", ideal)
	}
	if _, ok := u.rows[1].out.Metrics["speedup"]; ok {
		t.Error("serial code has a speed-up over itself")
	}
}

func TestOptionsAreMeasuredInAllCombinations(t *testing.T) {
	w := &Workload{Options: []Option{{Name: "conns", Default: "1,8", Many: true}, {Name: "dir", Default: "a,b"}, {Name: "size", Default: "64", Many: true}}}
	var got []string
	for _, p := range w.every("9", 1, map[string]string{"size": "16, 32"}) {
		got = append(got, p.variant(w.Options)+" dir="+p.Options["dir"])
	}
	want := []string{"conns=1 size=16 dir=a,b", "conns=1 size=32 dir=a,b", "conns=8 size=16 dir=a,b", "conns=8 size=32 dir=a,b"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestSizesAreWrittenInAnyUsualWay(t *testing.T) {
	for s, want := range map[string]int{"0": 0, "1000000": 1_000_000, "1_000_000": 1_000_000, "1e6": 1_000_000, "2.5e3": 2500} {
		if n, err := (Params{N: s}).Int(0, math.MaxInt); err != nil || n != want {
			t.Errorf("%s: %d, %v", s, n, err)
		}
	}
	for _, s := range []string{"", " 1", "x", "1.5", "1e-3", "-1", "1e99", "99999999999999999999", "0x10", "1e6e6", "101"} {
		if n, err := (Params{N: s}).Int(0, 100); err == nil {
			t.Errorf("%q is read as %d", s, n)
		}
	}
}

func TestSpinSumIsTheSumOfSpins(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 100, 12345} {
		for _, count := range []uint64{0, 1, 2, 7, 64} {
			var want uint64
			for x := range count {
				want += Spin(x, n)
			}
			if got := SpinSum(count, n); got != want {
				t.Errorf("count %d, n %d: %d, want %d", count, n, got, want)
			}
		}
	}
}

func TestSpinStepsTakeTheTimeAskedFor(t *testing.T) {
	n := SpinSteps(100 * time.Microsecond)
	best := time.Duration(math.MaxInt64)
	for range 200 {
		begin := time.Now()
		runtime.KeepAlive(Spin(1, n))
		best = min(best, time.Since(begin))
	}
	if best < 10*time.Microsecond || best > time.Millisecond { // machines have phases
		t.Errorf("%v at best", best)
	}
}

func TestCPUTimeGrowsWithWork(t *testing.T) {
	before, ok := CPUTime()
	if !ok {
		t.Skip("no CPU time on this system")
	}
	begin := time.Now()
	for after := before; after-before < 10*time.Millisecond; after, _ = CPUTime() {
		if time.Since(begin) > time.Minute {
			t.Fatalf("%v for a minute of computing", after-before)
		}
		runtime.KeepAlive(Spin(1, SpinSteps(time.Millisecond)))
	}
}
