//go:build mc

package mc_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/mc"
)

// wantFailure searches and checks that a run fails for a reason that contains the words.
func wantFailure(t *testing.T, c mc.Config, words string, harness func(*mc.Run)) *mc.Failure {
	t.Helper()
	result := mc.Search(c, harness)
	f := result.Failure
	if f == nil {
		t.Fatalf("%d runs without a failure, want %q", result.Runs, words)
	}
	if !strings.Contains(f.Reason, words) {
		t.Fatalf("failed with %q, want %q", f.Reason, words)
	}
	return f
}

func wantNoFailure(t *testing.T, c mc.Config, harness func(*mc.Run)) int {
	t.Helper()
	result := mc.Search(c, harness)
	if result.Failure != nil {
		t.Fatalf("after %d runs: %v", result.Runs, result.Failure)
	}
	return result.Runs
}

func TestEveryInterleavingRunsOnce(t *testing.T) {
	for _, test := range []struct{ preemptions, runs int }{
		{0, 2},  // aabb bbaa
		{1, 6},  // with the bound 0 searched first: 2 + 4 (abba baab as well)
		{2, 12}, // 2 + 4 + 6 (abab baba as well)
	} {
		seen := map[string]bool{}
		runs := wantNoFailure(t, mc.Config{Preemptions: test.preemptions}, func(r *mc.Run) {
			var word atom.Uint32
			order := ""
			for _, name := range []string{"a", "b"} {
				r.Go(name, func() {
					for range 2 {
						word.Add(1)
						order += name
					}
				})
			}
			r.Finally(func() { seen[order] = true })
		})
		if want := 2 * (test.preemptions + 1); runs != test.runs || len(seen) != want {
			t.Errorf("%d preemptions: %d runs and %d orders, want %d and %d", test.preemptions, runs, len(seen), test.runs, want)
		}
	}
}

func TestFindsALostUpdate(t *testing.T) {
	f := wantFailure(t, mc.Config{Preemptions: 1}, "count is 1", func(r *mc.Run) {
		var count atom.Int64
		r.Name(&count, "count")
		for _, name := range []string{"a", "b"} {
			r.Go(name, func() { count.Store(count.Load() + 1) })
		}
		r.Finally(func() {
			if n := count.Load(); n != 2 {
				r.Fatalf("count is %d", n)
			}
		})
	})
	for _, want := range []string{"a", "count", "load 0", "store 1", "mc_test.go", "count.Store(count.Load() + 1)"} {
		if !strings.Contains(f.Trace, want) {
			t.Errorf("the trace does not mention %q:\n%s", want, f.Trace)
		}
	}
}

// dekker is the store-buffer test: each thread announces itself and then looks at the other.
func dekker(r *mc.Run, storeFirst bool) {
	var flags [2]atom.Bool
	var saw [2]bool
	for me := range 2 {
		r.Go([]string{"a", "b"}[me], func() {
			if storeFirst {
				flags[me].Store(true)
			}
			saw[me] = flags[1-me].Load()
			if !storeFirst {
				flags[me].Store(true)
			}
		})
	}
	r.Finally(func() {
		if !saw[0] && !saw[1] {
			r.Fatalf("neither saw the other")
		}
	})
}

func TestAnnouncingBeforeLookingIsNeverOverlooked(t *testing.T) {
	wantNoFailure(t, mc.Config{Preemptions: 4}, func(r *mc.Run) { dekker(r, true) })
}

func TestFindsLookingBeforeAnnouncing(t *testing.T) {
	wantFailure(t, mc.Config{Preemptions: 1}, "neither saw", func(r *mc.Run) { dekker(r, false) })
}

// handOff is one thread that waits for another: with wait(&word), until the word is 1.
func handOff(r *mc.Run, wait func(word *atom.Uint32), wake bool) {
	var word atom.Uint32
	r.Name(&word, "word")
	r.Go("waiter", func() {
		wait(&word)
		if word.Load() != 1 {
			r.Fatalf("went on too early")
		}
	})
	r.Go("waker", func() {
		word.Store(1)
		if wake {
			atom.FutexWake(&word, 1)
		}
	})
}

func waitInLoop(word *atom.Uint32) {
	for word.Load() == 0 {
		atom.FutexWait(word, 0, -1)
	}
}

func TestAWaitThatComparesIsNeverLost(t *testing.T) {
	wantNoFailure(t, mc.Config{Preemptions: 4, Spurious: 2}, func(r *mc.Run) { handOff(r, waitInLoop, true) })
}

func TestFindsAWaitThatDoesNotCompare(t *testing.T) {
	wantFailure(t, mc.Config{Preemptions: 1}, "deadlock: waiter sleeps on word", func(r *mc.Run) {
		handOff(r, func(word *atom.Uint32) {
			for seen := word.Load(); seen == 0; seen = word.Load() {
				atom.FutexWait(word, word.Load(), -1)
			}
		}, true)
	})
}

func TestFindsAMissingWake(t *testing.T) {
	wantFailure(t, mc.Config{}, "deadlock", func(r *mc.Run) { handOff(r, waitInLoop, false) })
}

func TestFindsASpuriousWakeTakenForAWake(t *testing.T) {
	waitOnce := func(word *atom.Uint32) { atom.FutexWait(word, 0, -1) }
	wantNoFailure(t, mc.Config{Preemptions: 3}, func(r *mc.Run) { handOff(r, waitOnce, true) })
	wantFailure(t, mc.Config{Preemptions: 1, Spurious: 1}, "too early", func(r *mc.Run) { handOff(r, waitOnce, true) })
}

func TestFindsTwoLocksTakenInOppositeOrder(t *testing.T) {
	lock := func(l *atom.Uint32) {
		for !l.CompareAndSwap(0, 1) {
			atom.FutexWait(l, 1, -1)
		}
	}
	unlock := func(l *atom.Uint32) {
		l.Store(0)
		atom.FutexWake(l, 1)
	}
	wantFailure(t, mc.Config{Preemptions: 1}, "deadlock: a sleeps on", func(r *mc.Run) {
		var locks [2]atom.Uint32
		for me := range 2 {
			r.Go([]string{"a", "b"}[me], func() {
				lock(&locks[me])
				lock(&locks[1-me])
				unlock(&locks[1-me])
				unlock(&locks[me])
			})
		}
	})
}

func TestSpinnersThatYieldLetTheOthersRun(t *testing.T) {
	wantNoFailure(t, mc.Config{Preemptions: 2}, func(r *mc.Run) {
		var flag atom.Bool
		spin := func() {
			for !flag.Load() {
				atom.Yield()
			}
		}
		r.Go("a", spin)
		r.Go("b", spin)
		r.Go("setter", func() { flag.Store(true) })
	})
}

func TestFindsALivelock(t *testing.T) {
	wantFailure(t, mc.Config{Steps: 100}, "livelock", func(r *mc.Run) {
		var flag atom.Bool
		r.Go("a", func() {
			for !flag.Load() {
				atom.Yield()
			}
		})
	})
}

func TestAPanicIsAFailure(t *testing.T) {
	wantFailure(t, mc.Config{}, "a panicked: planted", func(r *mc.Run) { r.Go("a", func() { panic("planted") }) })
}

func TestATimeoutRunsOutWhenNobodyElseCanRun(t *testing.T) {
	wantNoFailure(t, mc.Config{Preemptions: 2}, func(r *mc.Run) {
		var word atom.Uint32
		r.Go("a", func() {
			if atom.FutexWait(&word, 0, time.Hour) || atom.Now() != time.Hour {
				r.Fatalf("woken, or at %v", atom.Now())
			}
		})
	})
}

func TestAPunctualClockGoesFromDeadlineToDeadline(t *testing.T) {
	for _, punctual := range []bool{true, false} {
		late := false
		wantNoFailure(t, mc.Config{Preemptions: 2, Punctual: punctual}, func(r *mc.Run) {
			var word atom.Uint32
			for _, d := range []time.Duration{time.Hour, time.Second, time.Minute} {
				r.Go("sleeper", func() {
					atom.FutexWait(&word, 0, d)
					late = late || mc.Now() != d
				})
			}
		})
		if late == punctual {
			t.Errorf("punctual: %t, late: %t", punctual, late)
		}
	}
}

func TestATimeoutRacesTheWake(t *testing.T) {
	ends := map[bool]int{}
	wantNoFailure(t, mc.Config{Preemptions: 1}, func(r *mc.Run) {
		var word atom.Uint32
		r.Go("sleeper", func() { ends[atom.FutexWait(&word, 0, time.Second)]++ })
		r.Go("waker", func() { atom.FutexWake(&word, 1) })
	})
	if ends[false] == 0 || ends[true] == 0 {
		t.Errorf("timeouts: %d, wakes: %d; want both", ends[false], ends[true])
	}
}

func TestWakeTakesTheOldestSleepersUpToItsNumber(t *testing.T) {
	wantNoFailure(t, mc.Config{}, func(r *mc.Run) {
		var word, asleep, done atom.Uint32
		for range 3 {
			r.Daemon("sleeper", func() {
				asleep.Add(1)
				atom.FutexWait(&word, 0, -1)
				done.Add(1)
			})
		}
		r.Go("waker", func() {
			for asleep.Load() < 3 {
				atom.Yield()
			}
			atom.FutexWake(&word, 2)
		})
		r.Finally(func() {
			if n := done.Load(); n != 2 {
				r.Fatalf("%d woke", n)
			}
		})
	})
}

func TestADaemonMaySleepInTheEnd(t *testing.T) {
	var unwound int
	runs := wantNoFailure(t, mc.Config{}, func(r *mc.Run) {
		var word atom.Uint32
		r.Daemon("daemon", func() {
			defer func() { unwound++ }()
			for {
				atom.FutexWait(&word, 0, -1)
			}
		})
		r.Go("a", func() { atom.FutexWake(&word, 1) })
	})
	if unwound != runs {
		t.Errorf("%d of %d daemons were unwound", unwound, runs)
	}
}

func TestAThreadMayStartOthers(t *testing.T) {
	orders := map[string]bool{}
	wantNoFailure(t, mc.Config{Preemptions: 1}, func(r *mc.Run) {
		var word atom.Uint32
		order := ""
		r.Go("parent", func() {
			r.Go("child", func() { word.Add(1); order += "c" })
			word.Add(1)
			order += "p"
		})
		r.Finally(func() { orders[order] = true })
	})
	if len(orders) != 2 {
		t.Errorf("orders %v, want pc and cp", orders)
	}
}

func TestChoicesAreExhausted(t *testing.T) {
	seen := map[[2]int]bool{}
	wantNoFailure(t, mc.Config{}, func(r *mc.Run) {
		n := r.Choose(3)
		r.Go("a", func() { seen[[2]int{n, r.Choose(2)}] = true })
	})
	if len(seen) != 6 {
		t.Errorf("saw %v, want all 6", seen)
	}
}

func TestAFailureReplaysFromItsSchedule(t *testing.T) {
	harness := func(r *mc.Run) { dekker(r, false) }
	f := wantFailure(t, mc.Config{Preemptions: 3}, "neither", harness)
	schedule, err := mc.ParseSchedule(f.Schedule.String())
	if err != nil {
		t.Fatal(err)
	}
	result := mc.Search(mc.Config{Replay: schedule}, harness)
	if result.Runs != 1 || result.Failure == nil || result.Failure.Trace != f.Trace {
		t.Errorf("the replay made %d runs and ended with %v, want that of\n%v", result.Runs, result.Failure, f)
	}
}

func TestAScheduleOfAnotherHarnessIsRefused(t *testing.T) {
	wantFailure(t, mc.Config{Replay: mc.Schedule{7}}, "not one of this harness", func(r *mc.Run) { dekker(r, true) })
}

func TestRandomWalksFindWhatTheBoundHides(t *testing.T) {
	// Each thread must be interrupted twice, the last time by its end: two preemptions.
	harness := func(r *mc.Run) {
		var turn atom.Uint32
		play := func(parity uint32) func() {
			return func() {
				for i := range uint32(2) {
					if !turn.CompareAndSwap(2*i+parity, 2*i+parity+1) {
						return
					}
				}
			}
		}
		r.Go("even", play(0))
		r.Go("odd", play(1))
		r.Finally(func() {
			if turn.Load() == 4 {
				r.Fatalf("all turns were taken")
			}
		})
	}
	wantNoFailure(t, mc.Config{Preemptions: 1}, harness)
	wantFailure(t, mc.Config{Preemptions: 1, Walks: 1000}, "all turns", harness)
	wantNoFailure(t, mc.Config{Preemptions: 0, Sampled: 1000}, harness) // they have one preemption, and it takes two
	wantFailure(t, mc.Config{Preemptions: 1, Sampled: 1000}, "all turns", harness)
}

func BenchmarkRun(b *testing.B) {
	r := mc.Search(mc.Config{Walks: b.N}, func(r *mc.Run) {
		var word atom.Uint32
		for _, name := range []string{"a", "b", "c"} {
			r.Go(name, func() {
				for range 20 {
					word.Add(1)
				}
			})
		}
	})
	b.ReportMetric(float64(r.Longest), "operations")
}
