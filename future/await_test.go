package future_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/future"
	"github.com/pinwheel-sched/pinwheel/sched"
)

var errTest = errors.New("test")

func resolved[T any](value T) *future.Future[T] {
	p := future.NewPromise[T]()
	p.Resolve(value)
	return p.Future()
}

func rejected[T any](err error) *future.Future[T] {
	p := future.NewPromise[T]()
	p.Reject(err)
	return p.Future()
}

// want checks the outcome of a future, waiting for it as a goroutine.
func want[T comparable](t testing.TB, f *future.Future[T], value T, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(background, time.Minute)
	defer cancel()
	v, e := f.Await(ctx)
	if v != value || !errors.Is(e, err) || (err == nil) != (e == nil) {
		t.Errorf("Await = %v, %v; want %v, %v", v, e, value, err)
	}
}

func TestEverybodyWhoAwaitsGetsTheOutcome(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		promises := make([]future.Promise[int], 50)
		for i := range promises {
			for range 6 {
				p.either(func(ctx context.Context) {
					if n, err := promises[i].Future().Await(ctx); n != i || err != nil {
						t.Errorf("Await = %v, %v; want %d", n, err, i)
					}
				})
			}
			p.either(func(context.Context) { promises[i].Resolve(i) })
		}
	})
}

func TestAnErrorComesWithoutAValue(t *testing.T) {
	want(t, rejected[int](errTest), 0, errTest)
	n, err, ok := rejected[int](errTest).Poll()
	if n != 0 || err != errTest || !ok {
		t.Errorf("Poll = %v, %v, %v", n, err, ok)
	}
}

func TestPollDoesNotWait(t *testing.T) {
	p := future.NewPromise[string]()
	if s, err, ok := p.Future().Poll(); s != "" || err != nil || ok {
		t.Errorf("Poll = %q, %v, %v before the promise is settled", s, err, ok)
	}
	p.Resolve("x")
	if s, err, ok := p.Future().Poll(); s != "x" || err != nil || !ok {
		t.Errorf("Poll = %q, %v, %v", s, err, ok)
	}
}

func TestAwaitEndsWithItsContextAndLeavesTheFutureAlone(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		promise := future.NewPromise[int]()
		for range 100 {
			p.either(func(ctx context.Context) {
				ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
				defer cancel()
				if _, err := promise.Future().Await(ctx); err != context.DeadlineExceeded {
					t.Errorf("Await = %v", err)
				}
			})
		}
		p.wg.Wait()
		promise.Resolve(1)
		want(t, promise.Future(), 1, nil)
	})
}

func TestAnOutcomeWinsOverADeadContext(t *testing.T) {
	ctx, cancel := context.WithCancel(background)
	cancel()
	if n, err := resolved(1).Await(ctx); n != 1 || err != nil {
		t.Errorf("Await = %v, %v", n, err)
	}
	if _, err := future.NewPromise[int]().Future().Await(ctx); err != context.Canceled {
		t.Errorf("Await without an outcome = %v", err)
	}
}

func TestClosingTheSchedulerEndsAwaits(t *testing.T) {
	s := newScheduler(t, 2)
	ctx := sched.With(background, s)
	var f future.Promise[int]
	waits := make(chan struct{})
	g := sched.Go(ctx, func(t *sched.Task) (int, error) {
		close(waits)
		return f.Future().Await(t)
	})
	<-waits
	_ = s.Close()
	want(t, g, 0, context.Canceled)
}

func TestDoneIsClosedWhenTheOutcomeIsThere(t *testing.T) {
	p := future.NewPromise[int]()
	f := p.Future()
	done := f.Done()
	if f.Done() != done {
		t.Error("Done makes a channel each time")
	}
	select {
	case <-done:
		t.Error("Done is closed before the promise is settled")
	default:
	}
	p.Resolve(1)
	<-done
	<-f.Done()
}

func TestDoneAmongOtherListeners(t *testing.T) {
	p := future.NewPromise[int]()
	f := p.Future()
	g := future.Map(f, func(n int) int { return n + 1 })
	first := f.Done()
	h := future.Map(f, func(n int) int { return n + 2 })
	second := f.Done()
	p.Resolve(1)
	<-first
	<-second
	want(t, g, 2, nil)
	want(t, h, 3, nil)
}

// Awaits, channels, polls and a settlement at the same time.
func TestListeningRacesSettling(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		for range 200 {
			promise := future.NewPromise[int]()
			f := promise.Future()
			var ready atomic.Int32
			meet := func() {
				for ready.Add(1); ready.Load() < 2; runtime.Gosched() {
				}
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				meet()
				<-f.Done()
				if n, err, ok := f.Poll(); n != 1 || err != nil || !ok {
					t.Errorf("Poll after Done = %v, %v, %v", n, err, ok)
				}
			}()
			g := future.Map(f, func(n int) int { return n })
			p.either(func(ctx context.Context) {
				if n, err := f.Await(ctx); n != 1 || err != nil {
					t.Errorf("Await = %v, %v", n, err)
				}
			})
			meet()
			promise.Resolve(1)
			<-done
			want(t, g, 1, nil)
		}
	})
}
