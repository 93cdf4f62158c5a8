package future_test

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// made returns n promises and their futures.
func made(n int) ([]*future.Promise[int], []*future.Future[int]) {
	ps := make([]*future.Promise[int], n)
	fs := make([]*future.Future[int], n)
	for i := range ps {
		ps[i] = future.NewPromise[int]()
		fs[i] = ps[i].Future()
	}
	return ps, fs
}

func TestAllHasTheValuesInOrder(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		for n := range 20 {
			ps, fs := made(n)
			for _, i := range rand.Perm(n) {
				p.either(func(context.Context) { ps[i].Resolve(i) })
			}
			values, err := future.All(fs...).Await(background)
			if err != nil || len(values) != n {
				t.Fatalf("Await = %v, %v", values, err)
			}
			for i, v := range values {
				if v != i {
					t.Errorf("value %d is %d", i, v)
				}
			}
		}
	})
}

func TestAllFailsWithTheFirstErrorAndCancelsTheOthers(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		ps, fs := made(4)
		ps[2].Resolve(1)
		f := future.All(fs...)
		p.either(func(context.Context) { ps[1].Reject(errTest) })
		if _, err := f.Await(background); err != errTest {
			t.Errorf("Await = %v", err)
		}
		want(t, fs[0], 0, future.ErrNotNeeded)
		want(t, fs[3], 0, context.Canceled)
		want(t, fs[2], 1, nil)
	})
}

func TestAllFailsAtOnceIfASourceHasFailed(t *testing.T) {
	p := future.NewPromise[int]()
	f := future.All(p.Future(), rejected[int](errTest))
	if _, err, ok := f.Poll(); err != errTest || !ok {
		t.Errorf("Poll = %v, %v", err, ok)
	}
	want(t, p.Future(), 0, future.ErrNotNeeded)
}

func TestAllSettledHasEveryOutcome(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		ps, fs := made(3)
		f := future.AllSettled(fs...)
		p.either(func(context.Context) { ps[2].Resolve(2) })
		p.either(func(context.Context) { ps[0].Reject(errTest) })
		fs[1].Cancel(nil)
		got, err := f.Await(background)
		want := []future.Result[int]{{Err: errTest}, {Err: context.Canceled}, {Value: 2}}
		if !slices.Equal(got, want) || err != nil {
			t.Errorf("Await = %v, %v; want %v", got, err, want)
		}
	})
}

func TestAnyHasTheFirstValueAndCancelsTheOthers(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		ps, fs := made(4)
		f := future.Any(fs...)
		ps[0].Reject(errTest)
		if _, _, ok := f.Poll(); ok {
			t.Error("settled by an error")
		}
		p.either(func(context.Context) { ps[1].Resolve(1) })
		want(t, f, 1, nil)
		want(t, fs[2], 0, future.ErrNotNeeded)
		want(t, fs[3], 0, future.ErrNotNeeded)
	})
}

func TestAnyFailsWithAllErrors(t *testing.T) {
	other := errors.New("other")
	ps, fs := made(2)
	f := future.Any(fs...)
	ps[1].Reject(other)
	ps[0].Reject(errTest)
	_, err := f.Await(background)
	if !errors.Is(err, errTest) || !errors.Is(err, other) || err.Error() != "test\nother" {
		t.Errorf("Await = %v", err)
	}
}

func TestRaceHasTheFirstOutcomeAndCancelsTheOthers(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		ps, fs := made(3)
		f := future.Race(fs...)
		p.either(func(context.Context) { ps[1].Resolve(1) })
		want(t, f, 1, nil)
		want(t, fs[0], 0, future.ErrNotNeeded)
		ps, fs = made(3)
		f = future.Race(fs...)
		p.either(func(context.Context) { ps[2].Reject(errTest) })
		want(t, f, 0, errTest)
		want(t, fs[1], 0, future.ErrNotNeeded)
	})
}

func TestCombinationsOfNothing(t *testing.T) {
	if values, err, ok := future.All[int]().Poll(); len(values) != 0 || err != nil || !ok {
		t.Errorf("All() = %v, %v, %v", values, err, ok)
	}
	if results, err, ok := future.AllSettled[int]().Poll(); len(results) != 0 || err != nil || !ok {
		t.Errorf("AllSettled() = %v, %v, %v", results, err, ok)
	}
	want(t, future.Any[int](), 0, future.ErrNone)
	want(t, future.Race[int](), 0, future.ErrNone)
	for range future.AsCompleted[int](background) {
		t.Error("AsCompleted() yields something")
	}
}

func TestAFutureMayBeTheSourceOfACombinationTwice(t *testing.T) {
	ps, fs := made(1)
	f, g := future.All(fs[0], fs[0]), future.Race(fs[0], fs[0])
	ps[0].Resolve(1)
	if values, err := f.Await(background); !slices.Equal(values, []int{1, 1}) || err != nil {
		t.Errorf("All = %v, %v", values, err)
	}
	want(t, g, 1, nil)
}

// Sources settle and fail at the same time, and somebody cancels.
func TestCombinationsRace(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		for round := range 100 {
			ps, fs := made(6)
			all := future.All(future.Shield(fs[0]), fs[1], fs[2])
			first := future.Race(fs[3], fs[4])
			one := future.Any(fs[3], fs[5])
			both := future.AllSettled(first, one)
			for i := range ps {
				p.either(func(context.Context) {
					if (round+i)%3 == 0 {
						ps[i].Reject(errTest)
					} else {
						ps[i].Resolve(i)
					}
				})
			}
			if round%2 == 0 {
				p.either(func(context.Context) { first.Cancel(errTest) })
			}
			p.either(func(ctx context.Context) {
				if _, err := all.Await(ctx); err != nil && err != errTest {
					t.Errorf("All = %v", err)
				}
				if results, err := both.Await(ctx); err != nil || len(results) != 2 {
					t.Errorf("AllSettled = %v, %v", results, err)
				}
			})
		}
	})
}

func TestAsCompletedYieldsInTheOrderOfCompletion(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		p.either(func(ctx context.Context) {
			ps, fs := made(5)
			next, stop := iter.Pull2(future.AsCompleted(background, fs...))
			defer stop()
			for _, i := range rand.Perm(5) {
				ps[i].Resolve(i)
				if v, err, ok := next(); v != i || err != nil || !ok {
					t.Errorf("got %v, %v, %v, want %d", v, err, ok, i)
				}
			}
			if _, _, ok := next(); ok {
				t.Error("yields more than there is")
			}
		})
	})
}

func TestAsCompletedWaits(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		for range 20 {
			ps, fs := made(30)
			for i := range ps {
				p.either(func(context.Context) {
					if i%5 == 0 {
						ps[i].Reject(errTest)
					} else {
						ps[i].Resolve(1)
					}
				})
			}
			p.either(func(ctx context.Context) {
				values, errs := 0, 0
				for v, err := range future.AsCompleted(ctx, fs...) {
					values += v
					if err == errTest {
						errs++
					}
				}
				if values != 24 || errs != 6 {
					t.Errorf("%d values and %d errors, want 24 and 6", values, errs)
				}
			})
		}
	})
}

func TestAsCompletedEndsWithItsContext(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		for range 2 {
			p.either(func(ctx context.Context) {
				ps, fs := made(3)
				ps[1].Resolve(1)
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				var got []error
				for v, err := range future.AsCompleted(ctx, fs...) {
					if v == 1 {
						cancel()
					}
					got = append(got, err)
				}
				if !slices.Equal(got, []error{nil, context.Canceled}) {
					t.Errorf("got %v", got)
				}
				if _, _, ok := fs[0].Poll(); ok {
					t.Error("a source is cancelled")
				}
			})
		}
	})
}

func TestAsCompletedOfTasks(t *testing.T) {
	ctx := sched.With(background, newScheduler(t, 2))
	sum, err := sched.Run(ctx, func(t *sched.Task) (int, error) {
		var fs []*future.Future[int]
		for i := range 100 {
			fs = append(fs, sched.Go(t, func(*sched.Task) (int, error) { return i, nil }))
		}
		sum := 0
		for v, err := range future.AsCompleted(t, fs...) {
			if err != nil {
				return 0, err
			}
			sum += v
		}
		return sum, nil
	})
	if sum != 4950 || err != nil {
		t.Errorf("%v, %v", sum, err)
	}
}
