package future

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"
)

// listeners counts those that a future has, dead ones included.
func listeners(c *core) (n int) {
	for l := c.head.Load(); l != nil; l = l.next {
		n++
	}
	return n
}

// A future that is never settled, such as that of a shutdown, must not collect those who have waited for it.
func TestWhoeverLosesInterestIsForgotten(t *testing.T) {
	for name, once := range map[string]func(f *Future[int]){
		"Await": func(f *Future[int]) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_, _ = f.Await(ctx)
		},
		"Shield":  func(f *Future[int]) { Shield(f).Cancel(nil) },
		"Race":    func(f *Future[int]) { p := NewPromise[int](); Race(Shield(f), p.Future()); p.Resolve(1) },
		"Timeout": func(f *Future[int]) { Timeout(Shield(f), time.Hour).Cancel(nil) },
		"AsCompleted": func(f *Future[int]) {
			p := NewPromise[int]()
			p.Resolve(1)
			for range AsCompleted(context.Background(), f, p.Future()) {
				break
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := NewPromise[int]().Future()
			stays := Map(f, func(n int) int { return n })
			for range 10_000 {
				once(f)
			}
			if n := listeners(&f.core); n > forgetAfter+2 {
				t.Errorf("%d listeners are left", n)
			}
			f.Cancel(nil)
			if _, err := stays.Await(context.Background()); err != context.Canceled {
				t.Errorf("the listener that stays heard %v", err)
			}
		})
	}
}

func TestForgettingManyTakesLinearTime(t *testing.T) {
	f := NewPromise[int]().Future()
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	for range 1000 {
		Map(f, func(n int) int { return n })
		wg.Go(func() { _, _ = f.Await(ctx) })
	}
	for listeners(&f.core) < 2000 {
		runtime.Gosched()
	}
	cancel()
	wg.Wait()
	if n := listeners(&f.core); n > 2000+forgetAfter {
		t.Errorf("%d listeners are left", n)
	}
	f.Cancel(nil)
}

// collected waits until n objects have been.
func collected(t *testing.T, n int, done <-chan struct{}) {
	t.Helper()
	timeout := time.After(time.Minute)
	for range n {
		for waiting := true; waiting; {
			runtime.GC()
			select {
			case <-done:
				waiting = false
			case <-timeout:
				t.Fatal("something is still alive")
			default:
			}
		}
	}
}

func TestAChainDoesNotKeepItsBeginningAlive(t *testing.T) {
	done := make(chan struct{}, 2)
	tell := func(struct{}) { done <- struct{}{} }
	p := NewPromise[*[1000]byte]()
	value, closure := &[1000]byte{}, &[1000]byte{}
	runtime.AddCleanup(value, tell, struct{}{})
	runtime.AddCleanup(closure, tell, struct{}{})
	f := Map(p.Future(), func(b *[1000]byte) int { return len(b) + len(closure) })
	p.Resolve(value)
	if n, err := f.Await(context.Background()); n != 2000 || err != nil {
		t.Fatal(n, err)
	}
	collected(t, 2, done)
	runtime.KeepAlive(f)
}

func TestTheResultOfWhatWasCancelledIsNotKeptAlive(t *testing.T) {
	done := make(chan struct{}, 1)
	p := NewPromise[*[1000]byte]()
	p.Future().Cancel(nil)
	value := &[1000]byte{}
	runtime.AddCleanup(value, func(struct{}) { done <- struct{}{} }, struct{}{})
	p.Resolve(value)
	collected(t, 1, done)
	runtime.KeepAlive(p)
}

// reports has the errors that nobody looked at sent to a channel.
func reports(t *testing.T) <-chan error {
	t.Helper()
	c := make(chan error, 100)
	OnUnobserved(func(err error) { c <- err })
	t.Cleanup(func() { OnUnobserved(nil) })
	return c
}

var errTest = errors.New("test")

func TestAnErrorThatNobodyLookedAtIsReportedOnce(t *testing.T) {
	for name, fail := range map[string]func(){
		"Reject": func() { NewPromise[int]().Reject(errTest) },
		"Map": func() {
			p := NewPromise[int]()
			Map(Map(p.Future(), func(n int) int { return n }), func(n int) int { return n })
			p.Reject(errTest)
		},
		"Then": func() {
			p := NewPromise[int]()
			<-Then(p.Future(), func(int) (int, error) { p.Resolve(1); return 1, errTest }).Done()
		},
		"All":  func() { p := NewPromise[int](); All(p.Future(), p.Future()); p.Reject(errTest) },
		"Done": func() { p := NewPromise[int](); p.Future().Done(); p.Reject(errTest) },
	} {
		if name == "Then" {
			continue // its promise must be resolved first: below
		}
		t.Run(name, func(t *testing.T) {
			c := reports(t)
			fail()
			collectedError(t, c)
			select {
			case err := <-c:
				t.Errorf("reported again: %v", err)
			default:
			}
		})
	}
	t.Run("Then", func(t *testing.T) {
		c := reports(t)
		func() {
			p := NewPromise[int]()
			f := Then(p.Future(), func(int) (int, error) { return 1, errTest })
			p.Resolve(1)
			<-f.Done()
		}()
		collectedError(t, c)
	})
}

func collectedError(t *testing.T, c <-chan error) {
	t.Helper()
	for timeout := time.After(time.Minute); ; {
		runtime.GC()
		select {
		case err := <-c:
			if err != errTest {
				t.Fatalf("reported %v", err)
			}
			return
		case <-timeout:
			t.Fatal("not reported")
		default:
		}
	}
}

func TestAnErrorThatSomebodyLookedAtIsNotReported(t *testing.T) {
	c := reports(t)
	ctx := context.Background()
	func() {
		p := NewPromise[int]()
		p.Reject(errTest)
		_, _ = p.Future().Await(ctx)
		p = NewPromise[int]()
		p.Reject(errTest)
		_, _, _ = p.Future().Poll()
		p = NewPromise[int]()
		f := Map(p.Future(), func(n int) int { return n })
		p.Reject(errTest)
		_, _ = f.Await(ctx)
		p = NewPromise[int]()
		p.Reject(errTest)
		_, _ = Recover(p.Future(), func(error) (int, error) { return 0, nil }).Await(ctx)
		p = NewPromise[int]()
		p.Reject(errTest)
		_, _ = AllSettled(p.Future()).Await(ctx)
		p = NewPromise[int]()
		f = Any(p.Future())
		p.Reject(errTest)
		_, _ = f.Await(ctx)
		p = NewPromise[int]()
		p.Future().Cancel(errTest)
		for range AsCompleted(ctx, p.Future()) {
		}
		p = NewPromise[int]()
		p.Reject(errTest)
		for range AsCompleted(ctx, p.Future()) {
		}
	}()
	// A last one that is reported: those before it would have been, too.
	NewPromise[int]().Reject(errTest)
	collectedError(t, c)
	runtime.GC()
	runtime.GC()
	select {
	case err := <-c:
		t.Errorf("reported %v", err)
	default:
	}
}
