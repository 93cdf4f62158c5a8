package future_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pinwheel-sched/pinwheel/future"
)

// panics checks that fn panics with a text that contains the words.
func panics(t *testing.T, words string, fn func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if text, _ := recover().(string); !strings.Contains(text, words) {
			t.Errorf("panic %q, want one about %q", text, words)
		}
	}()
	fn()
}

func TestSettlingTwicePanics(t *testing.T) {
	for name, second := range map[string]func(*future.Promise[int]){
		"Resolve": func(p *future.Promise[int]) { p.Resolve(2) },
		"Reject":  func(p *future.Promise[int]) { p.Reject(errTest) },
	} {
		p := future.NewPromise[int]()
		p.Resolve(1)
		panics(t, name+" of a promise that is settled already", func() { second(p) })
		want(t, p.Future(), 1, nil)
		p = future.NewPromise[int]()
		p.Reject(errTest)
		panics(t, name+" of a promise that is settled already", func() { second(p) })
		want(t, p.Future(), 0, errTest)
	}
}

func TestRejectingWithoutAnErrorPanics(t *testing.T) {
	panics(t, "Reject with a nil error", func() { future.NewPromise[int]().Reject(nil) })
	panics(t, "Reject with a nil error", func() { future.NewPromise[int]().TryReject(nil) })
}

func TestTheTryFormsSayWhoWon(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		for range 100 {
			promise := future.NewPromise[int]()
			var won atomic.Int64
			for i := range 4 {
				p.either(func(context.Context) {
					if i%2 == 0 && promise.TryResolve(i) || i%2 == 1 && promise.TryReject(errTest) {
						won.Add(int64(i) + 1)
					}
				})
			}
			p.wg.Wait()
			switch i := int(won.Load()) - 1; {
			case i < 0 || i > 3:
				t.Fatalf("not one of them has won")
			case i%2 == 0:
				want(t, promise.Future(), i, nil)
			default:
				want(t, promise.Future(), 0, errTest)
			}
		}
	})
}

func TestAPromiseMayBeResolvedAfterItsFutureWasCancelled(t *testing.T) {
	p := future.NewPromise[int]()
	if !p.Future().Cancel(nil) {
		t.Error("Cancel came too late")
	}
	if p.TryResolve(1) {
		t.Error("TryResolve won over a cancellation")
	}
	want(t, p.Future(), 0, context.Canceled)

	p = future.NewPromise[int]()
	p.Future().Cancel(errTest)
	p.Resolve(1)
	want(t, p.Future(), 0, errTest)
	panics(t, "settled already", func() { p.Resolve(1) })
}

func TestTheZeroPromiseIsReadyForUse(t *testing.T) {
	var x struct {
		before  string
		promise future.Promise[string]
	}
	x.promise.Resolve("x")
	want(t, x.promise.Future(), "x", nil)
}

// An outcome that is written or published twice would be one for some and another for others.
func TestAnOutcomeIsWrittenAndPublishedOnce(t *testing.T) {
	for name, twice := range map[string]func(p *future.Promise[int]){
		"value, value":            func(p *future.Promise[int]) { p.Write(1, nil); p.Write(2, nil) },
		"value, error":            func(p *future.Promise[int]) { p.Write(1, nil); p.Write(2, errors.New("second")) },
		"error, value":            func(p *future.Promise[int]) { p.Write(1, errors.New("first")); p.Write(2, nil) },
		"Publish, Write":          func(p *future.Promise[int]) { p.Write(1, nil); p.Publish(nil); p.Write(2, nil) },
		"Publish, Publish":        func(p *future.Promise[int]) { p.Write(1, nil); p.Publish(nil); p.Publish(nil) },
		"Publish of nothing":      func(p *future.Promise[int]) { p.Publish(nil) },
		"failed Publish, Publish": func(p *future.Promise[int]) { p.Publish(errors.New("first")); p.Publish(nil) },
	} {
		t.Run(name, func(t *testing.T) { panics(t, "of a promise that", func() { twice(future.NewPromise[int]()) }) })
	}
	p := future.NewPromise[int]()
	p.Write(1, nil)
	p.Publish(nil)
	if n, err, ok := p.Future().Poll(); n != 1 || err != nil || !ok {
		t.Errorf("%d, %v, %t", n, err, ok)
	}
}
