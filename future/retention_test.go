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

// What was cancelled keeps neither its source alive, nor that one's value, nor the callback; whether the source is settled later or never.
func TestWhatWasCancelledKeepsNothingAlive(t *testing.T) {
	type thing = *[1000]byte
	type derived interface{ Cancel(error) bool }
	for name, derive := range map[string]func(f *Future[thing], closure thing) derived{
		"Map": func(f *Future[thing], c thing) derived { return Map(f, func(thing) int { return len(c) }) },
		"Then": func(f *Future[thing], c thing) derived {
			return Then(f, func(thing) (int, error) { return len(c), nil })
		},
		"Recover": func(f *Future[thing], c thing) derived {
			return Recover(f, func(error) (thing, error) { return c, nil })
		},
		"Shield":  func(f *Future[thing], c thing) derived { return Shield(f) },
		"Timeout": func(f *Future[thing], c thing) derived { return Timeout(f, time.Hour) },
		"All":     func(f *Future[thing], c thing) derived { return All(f, f) },
		"Race":    func(f *Future[thing], c thing) derived { return Race(f, f) },
	} {
		for _, settled := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				done := make(chan struct{}, 3)
				tell := func(struct{}) { done <- struct{}{} }
				d := func() derived {
					p, closure := NewPromise[thing](), new([1000]byte)
					runtime.AddCleanup(p, tell, struct{}{})
					runtime.AddCleanup(closure, tell, struct{}{})
					d := derive(p.Future(), closure)
					if !d.Cancel(nil) {
						t.Error("it was settled")
					}
					value := new([1000]byte)
					runtime.AddCleanup(value, tell, struct{}{})
					if settled {
						p.TryResolve(value)
					}
					return d
				}()
				collected(t, 3, done)
				runtime.KeepAlive(d)
			})
		}
	}
}

// The same if it was cancelled, or panicked, while its callback ran.
func TestACallbackIsNotKeptAlive(t *testing.T) {
	for _, way := range []string{"returns", "panics", "is too late"} {
		t.Run(way, func(t *testing.T) {
			done := make(chan struct{}, 2)
			tell := func(struct{}) { done <- struct{}{} }
			f := func() *Future[int] {
				p, closure := NewPromise[*[1000]byte](), new([1000]byte)
				value := new([1000]byte)
				runtime.AddCleanup(value, tell, struct{}{})
				runtime.AddCleanup(closure, tell, struct{}{})
				begun, goOn := make(chan struct{}), make(chan struct{})
				f := Map(p.Future(), func(v *[1000]byte) int {
					close(begun)
					<-goOn
					if way == "panics" {
						panic(way)
					}
					return len(v) + len(closure)
				})
				p.Resolve(value)
				<-begun
				if way == "is too late" {
					f.Cancel(nil)
				}
				close(goOn)
				_, _ = f.Await(context.Background())
				return f
			}()
			collected(t, 2, done)
			runtime.KeepAlive(f)
		})
	}
}

// What came of sources is given away with the outcome, or else forgotten.
func TestOutcomesThatNobodyWantsAreNotKeptAlive(t *testing.T) {
	type thing = *[1000]byte
	type big struct {
		error
		_ [1000]byte
	}
	for name, decide := range map[string]func(first, second *Promise[thing]) any{
		"All that fails": func(first, second *Promise[thing]) any {
			all := All(first.Future(), second.Future())
			value := new([1000]byte)
			first.Resolve(value)
			second.Reject(errTest)
			return all
		},
		"All that is cancelled": func(first, second *Promise[thing]) any {
			all := All(first.Future(), second.Future())
			first.Resolve(new([1000]byte))
			all.Cancel(nil)
			return all
		},
		"AllSettled that is cancelled": func(first, second *Promise[thing]) any {
			all := AllSettled(first.Future(), second.Future())
			first.Resolve(new([1000]byte))
			all.Cancel(nil)
			return all
		},
		"Any": func(first, second *Promise[thing]) any {
			f := Any(first.Future(), second.Future())
			first.Reject(&big{error: errTest})
			second.Resolve(nil)
			return f
		},
	} {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{}, 2)
			kept := func() any {
				first, second := NewPromise[thing](), NewPromise[thing]()
				tell := func(struct{}) { done <- struct{}{} }
				f := decide(first, second)
				if v, err, _ := first.Future().Poll(); err != nil {
					runtime.AddCleanup(err.(*big), tell, struct{}{})
				} else {
					runtime.AddCleanup(v, tell, struct{}{})
				}
				runtime.AddCleanup(first, tell, struct{}{})
				return f
			}()
			collected(t, 2, done)
			runtime.KeepAlive(kept)
		})
	}
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
	func() { // errors that are too late
		p := NewPromise[int]()
		p.Future().Cancel(nil)
		p.Reject(errTest)
		p = NewPromise[int]()
		p.Write(0, errTest)
		p.Future().Cancel(nil)
		p.Publish(nil)
		p, q := NewPromise[int](), NewPromise[int]()
		f := Any(p.Future(), q.Future())
		p.Reject(errTest)
		q.Resolve(1)
		_, _ = f.Await(ctx)
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
