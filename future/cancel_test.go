package future_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/worker"
)

func TestCancelSettlesWithItsError(t *testing.T) {
	f := future.NewPromise[int]().Future()
	if !f.Cancel(errTest) || f.Cancel(nil) {
		t.Error("Cancel does not say whether it came first")
	}
	want(t, f, 0, errTest)
	f = future.NewPromise[int]().Future()
	f.Cancel(nil)
	want(t, f, 0, context.Canceled)
	if f := resolved(1); f.Cancel(nil) {
		t.Error("Cancel of a future with a value")
	} else {
		want(t, f, 1, nil)
	}
}

func TestCancelWakesEverybody(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		f := future.NewPromise[int]().Future()
		g := future.Map(f, func(n int) int { t.Error("called"); return n })
		done := f.Done()
		for range 20 {
			p.either(func(ctx context.Context) {
				if _, err := f.Await(ctx); err != errTest {
					t.Errorf("Await = %v", err)
				}
			})
		}
		p.either(func(context.Context) { f.Cancel(errTest) })
		<-done
		want(t, g, 0, errTest)
	})
}

func TestCancelGoesUpTheChain(t *testing.T) {
	for name, derive := range map[string]func(f *future.Future[int]) *future.Future[int]{
		"Map": func(f *future.Future[int]) *future.Future[int] { return future.Map(f, func(n int) int { return n }) },
		"Recover": func(f *future.Future[int]) *future.Future[int] {
			return future.Recover(f, func(error) (int, error) { return 1, nil })
		},
		"Timeout": func(f *future.Future[int]) *future.Future[int] { return future.Timeout(f, time.Hour) },
		"Any": func(f *future.Future[int]) *future.Future[int] {
			return future.Any(future.NewPromise[int]().Future(), f)
		},
		"Race": func(f *future.Future[int]) *future.Future[int] {
			return future.Race(f, future.NewPromise[int]().Future())
		},
		"All": func(f *future.Future[int]) *future.Future[int] {
			return future.Map(future.All(f, f), func(ns []int) int { return ns[0] })
		},
		"AllSettled": func(f *future.Future[int]) *future.Future[int] {
			return future.Map(future.AllSettled(f, f), func(rs []future.Result[int]) int { return rs[0].Value })
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := future.NewPromise[int]()
			f := derive(derive(p.Future()))
			f.Cancel(errTest)
			want(t, f, 0, errTest)
			want(t, p.Future(), 0, errTest)
		})
	}
}

func TestAShieldStopsCancellation(t *testing.T) {
	p := future.NewPromise[int]()
	f := future.Map(future.Shield(p.Future()), func(n int) int { return n })
	f.Cancel(errTest)
	want(t, f, 0, errTest)
	p.Resolve(1)
	want(t, p.Future(), 1, nil)
}

func TestTheResultsOfACallbackThatIsCancelledAreDropped(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	p := future.NewPromise[int]()
	f := future.Map(p.Future(), func(n int) int {
		close(begun)
		<-end
		return n
	})
	g := future.Map(f, func(n int) int { t.Error("called"); return n })
	p.Resolve(1)
	<-begun
	f.Cancel(errTest)
	want(t, g, 0, errTest)
	close(end)
	want(t, f, 0, errTest)
	want(t, p.Future(), 1, nil)
}

// An owner counts what it is told.
type owner struct {
	future.Owned
	cause atomic.Pointer[error]
	calls atomic.Int32
	here  bool
}

func (o *owner) Cancelled(cause error) { o.cause.Store(&cause); o.calls.Add(1) }
func (o *owner) Awaited(bool) bool     { return o.here }

func TestTheOwnerIsToldOfACancellation(t *testing.T) {
	var o owner
	var p future.Promise[int]
	p.SetOwner(&o)
	f := future.Map(p.Future(), func(n int) int { return n })
	future.Race(f, resolved(1))
	if o.calls.Load() != 1 || *o.cause.Load() != future.ErrNotNeeded {
		t.Errorf("told %d times, of %v", o.calls.Load(), o.cause.Load())
	}
	p.Resolve(1)
	p.Future().Cancel(nil)
	if o.calls.Load() != 1 {
		t.Error("told again")
	}

	var q future.Promise[int]
	q.SetOwner(&o)
	q.Resolve(1)
	q.Future().Cancel(nil)
	want(t, q.Future(), 1, nil)
	if o.calls.Load() != 1 {
		t.Error("told of a cancellation that came too late")
	}
}

func TestAwaitingOneselfPanics(t *testing.T) {
	o := owner{here: true}
	var p future.Promise[int]
	p.SetOwner(&o)
	panics(t, "awaits its own future", func() { _, _ = p.Future().Await(background) })
	p.Resolve(1)
	want(t, p.Future(), 1, nil)
}

// A selfish task awaits the future of its own results, also from a part of itself.
type selfish struct {
	future.Owned
	worker.Root
	promise future.Promise[int]
	told    chan any
}

func (s *selfish) Run(t *worker.Task) {
	await := func(t *worker.Task) {
		defer func() { s.told <- recover() }()
		_, _ = s.promise.Future().Await(t)
	}
	await(t)
	t.RunInPlace(t, await)
}

func (s *selfish) Done(*worker.PanicError, error) { s.promise.Resolve(1) }
func (s *selfish) Cancelled(error)                {}

func TestATaskThatAwaitsItselfPanics(t *testing.T) {
	pool, err := worker.New(worker.Config{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	s := &selfish{told: make(chan any, 2)}
	s.promise.SetOwner(s)
	s.Init(background, s)
	if err := pool.Submit(&s.Root); err != nil {
		t.Fatal(err)
	}
	want(t, s.promise.Future(), 1, nil) // From here it may be awaited.
	for range 2 {
		if told := <-s.told; told != "future: a task awaits its own future" {
			t.Errorf("the panic says %v", told)
		}
	}
}

func TestCancelRacesResolve(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		for range 300 {
			var o owner
			promise := future.NewPromise[int]()
			promise.SetOwner(&o)
			f := promise.Future()
			g := future.Map(f, func(n int) int { return n + 1 })
			var cancelled atomic.Bool
			p.either(func(context.Context) { promise.Resolve(1) })
			p.either(func(context.Context) { cancelled.Store(f.Cancel(errTest)) })
			p.wg.Wait()
			if cancelled.Load() {
				want(t, f, 0, errTest)
				want(t, g, 0, errTest)
			} else {
				want(t, f, 1, nil)
				want(t, g, 2, nil)
			}
			if cancelled.Load() != (o.calls.Load() == 1) {
				t.Errorf("cancelled: %v, but the owner was told %d times", cancelled.Load(), o.calls.Load())
			}
		}
	})
}

// Cancellations at both ends of a chain, while it is resolved.
func TestCancelRacesAChain(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		for range 100 {
			promise := future.NewPromise[int]()
			chain := []*future.Future[int]{promise.Future()}
			for i := range 10 {
				chain = append(chain, future.Map(chain[i], func(n int) int { return n + 1 }))
			}
			p.either(func(context.Context) { promise.Resolve(0) })
			p.either(func(context.Context) { chain[5].Cancel(errTest) })
			p.either(func(context.Context) { chain[10].Cancel(errTest) })
			for i, f := range chain {
				p.either(func(ctx context.Context) {
					if n, err := f.Await(ctx); err != errTest && (n != i || err != nil) {
						t.Errorf("link %d: %v, %v", i, n, err)
					}
				})
			}
			p.wg.Wait()
		}
	})
}

func TestTimeoutCancelsWhatComesTooLate(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		source := future.NewPromise[int]()
		f := future.Timeout(source.Future(), time.Millisecond)
		want(t, f, 0, context.DeadlineExceeded)
		want(t, source.Future(), 0, context.DeadlineExceeded)
		source = future.NewPromise[int]()
		f = future.Timeout(source.Future(), time.Hour)
		p.either(func(context.Context) { source.Resolve(1) })
		want(t, f, 1, nil)
		want(t, future.Timeout(resolved(2), 0), 2, nil)
		want(t, future.Timeout(rejected[int](errTest), time.Hour), 0, errTest)
		want(t, future.Timeout(future.NewPromise[int]().Future(), -1), 0, context.DeadlineExceeded)
	})
}

func TestTimeoutRacesItsSource(t *testing.T) {
	for range 200 {
		p := future.NewPromise[int]()
		f := future.Timeout(p.Future(), 20*time.Microsecond)
		go p.Resolve(1)
		if n, err := f.Await(background); n != 1 && err != context.DeadlineExceeded {
			t.Errorf("Await = %v, %v", n, err)
		}
		runtime.Gosched()
	}
}
