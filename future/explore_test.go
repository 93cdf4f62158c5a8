//go:build mc

package future

import (
	"context"
	"errors"
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/mc"
	"github.com/pinwheel-sched/pinwheel/internal/park"
)

// A game is one run of an exploration. Jobs run as threads of it.
type game struct{ *mc.Run }

func play(t *testing.T, preemptions int, harness func(g game)) {
	t.Helper()
	mc.Explore(t, mc.Config{Preemptions: preemptions}, func(r *mc.Run) {
		explorer = func(f func()) { r.Go("job", f) }
		harness(game{r})
	})
}

var (
	errRejected = errors.New("rejected")
	errCancel   = errors.New("cancelled by the harness")
)

// settledAs checks that a future has one of some outcomes.
func (g game) settledAs(f *Future[int], value int, errs ...error) {
	v, err, ok := f.Poll()
	if !ok {
		g.Fatalf("not settled")
	}
	for _, e := range errs {
		if err == e {
			return
		}
	}
	if err != nil || v != value {
		g.Fatalf("settled with %v, %v", v, err)
	}
}

// agrees checks what an Await returned against the outcome.
func (g game) agrees(f *Future[int], v int, err error) {
	switch w, outcome, ok := f.Poll(); {
	case err == context.Canceled && outcome != context.Canceled:
	case !ok:
		g.Fatalf("Await returned %v, %v before the future was settled", v, err)
	case v != w || err != outcome:
		g.Fatalf("Await returned %v, %v of a future with %v, %v", v, err, w, outcome)
	}
}

func (g game) await(f *Future[int], ctx context.Context) {
	v, err := f.Await(ctx)
	g.agrees(f, v, err)
}

// Two resolve, one cancels, one waits.
func TestExploreSettlingAndWaiting(t *testing.T) {
	play(t, 3, func(g game) {
		p := NewPromise[int]()
		f := p.Future()
		g.Name(&f.head, "head")
		var winners []string
		settler := func(name string, settle func() bool) {
			g.Go(name, func() {
				if settle() {
					winners = append(winners, name)
				}
			})
		}
		settler("one", func() bool { return p.TryResolve(1) })
		settler("two", func() bool { return p.TryResolve(2) })
		settler("canceller", func() bool { return f.Cancel(errCancel) })
		g.Go("waiter", func() { g.await(f, context.Background()) })
		g.Finally(func() {
			v, err, _ := f.Poll()
			outcome := map[Result[int]]string{{1, nil}: "one", {2, nil}: "two", {0, errCancel}: "canceller"}[Result[int]{v, err}]
			if len(winners) != 1 || winners[0] != outcome {
				g.Fatalf("settled with %v, %v, and %v have won", v, err, winners)
			}
		})
	})
}

func TestExploreWaitersThatGiveUp(t *testing.T) {
	play(t, 3, func(g game) {
		p := NewPromise[int]()
		f := p.Future()
		g.Name(&f.head, "head")
		ctx := park.NewContext()
		g.Go("resolver", func() { p.Resolve(1) })
		g.Go("impatient", func() { g.await(f, ctx) })
		g.Go("canceller", ctx.Cancel)
		g.Go("waiter", func() { g.await(f, context.Background()) })
	})
}

// Those who have lost interest are swept out while others come and the future is settled.
func TestExploreForgetting(t *testing.T) {
	for settle, by := range map[string]func(p *Promise[int]){
		"value":        func(p *Promise[int]) { p.Resolve(1) },
		"cancellation": func(p *Promise[int]) { p.Future().Cancel(errCancel) },
	} {
		t.Run(settle, func(t *testing.T) {
			play(t, 3, func(g game) {
				p := NewPromise[int]()
				f := p.Future()
				g.Name(&f.head, "head")
				old := Shield(f)
				lost := Shield(f)
				f.deaf.Store(forgetAfter - 1)
				var late *Future[int]
				g.Go("settler", func() { by(p) })
				g.Go("loser", func() { lost.Cancel(nil) })
				g.Go("late", func() { late = Shield(f) })
				g.Finally(func() {
					g.settledAs(old, 1, errCancel)
					g.settledAs(late, 1, errCancel)
					g.settledAs(lost, 1, errCancel, context.Canceled)
				})
			})
		})
	}
}

func TestExploreDone(t *testing.T) {
	play(t, 3, func(g game) {
		p := NewPromise[int]()
		f := p.Future()
		g.Name(&f.head, "head")
		var dones [2]<-chan struct{}
		for i := range dones {
			g.Go("selector", func() { dones[i] = f.Done() })
		}
		g.Go("waiter", func() { g.await(f, context.Background()) })
		g.Go("resolver", func() { p.Resolve(1) })
		g.Finally(func() {
			for _, done := range dones {
				select {
				case <-done:
				default:
					g.Fatalf("a channel is open")
				}
			}
		})
	})
}

// An owner counts what it is told.
type counter struct {
	Owned
	told int
}

func (o *counter) Cancelled(error)   { o.told++ }
func (o *counter) Awaited(bool) bool { return false }

// A chain is resolved at one end and cancelled at the other, and given up in the middle.
func TestExploreAChain(t *testing.T) {
	play(t, 3, func(g game) {
		var owner counter
		p := NewPromise[int]()
		p.SetOwner(&owner)
		f1 := Map(p.Future(), func(n int) int { return n + 1 })
		f2 := Recover(f1, func(err error) (int, error) { return 0, err })
		f3 := Then(f2, func(n int) (int, error) { return n + 1, nil })
		g.Go("resolver", func() { p.Resolve(1) })
		g.Go("canceller", func() {
			if f3.Cancel(errCancel) && !f1.isFinal() {
				g.Fatalf("cancelled, and its source was not")
			}
		})
		g.Go("waiter", func() { g.await(f2, context.Background()) })
		g.Finally(func() {
			g.settledAs(p.Future(), 1, errCancel)
			g.settledAs(f1, 2, errCancel)
			g.settledAs(f2, 2, errCancel)
			g.settledAs(f3, 3, errCancel)
			_, err, _ := p.Future().Poll()
			if (err != nil) != (owner.told == 1) {
				g.Fatalf("the outcome is %v, and the owner was told %d times", err, owner.told)
			}
		})
	})
}

// A callback is attached while its source is settled.
func TestExploreAttaching(t *testing.T) {
	play(t, 3, func(g game) {
		p := NewPromise[int]()
		f := p.Future()
		calls := 0
		var f1 *Future[int]
		g.Go("resolver", func() { p.Resolve(1) })
		g.Go("attacher", func() {
			f1 = Map(f, func(n int) int { calls++; return n + 1 })
			g.await(f1, context.Background())
		})
		g.Finally(func() {
			g.settledAs(f1, 2)
			if calls != 1 {
				g.Fatalf("called %d times", calls)
			}
		})
	})
}

// Several callbacks of one future, and of what one of them settles.
func TestExploreABranch(t *testing.T) {
	play(t, 2, func(g game) {
		p := NewPromise[int]()
		calls := 0
		add := func(n int) int { calls++; return n + 1 }
		f1, f2 := Map(p.Future(), add), Map(p.Future(), add)
		f3, f4 := Map(f2, add), Map(f2, add)
		g.Go("resolver", func() { p.Resolve(1) })
		g.Finally(func() {
			g.settledAs(f1, 2)
			g.settledAs(f2, 2)
			g.settledAs(f3, 3)
			g.settledAs(f4, 3)
			if calls != 4 {
				g.Fatalf("%d calls", calls)
			}
		})
	})
}

// The sources of a combination are settled, and it is cancelled, while it is made.
func TestExploreCombinations(t *testing.T) {
	total := func(f *Future[[]int]) *Future[int] {
		return Then(f, func(ns []int) (int, error) { return ns[0] + ns[1], nil })
	}
	for name, test := range map[string]struct {
		make  func(fs ...*Future[int]) *Future[int]
		b     error // the outcome of the second source
		value int
		errs  []error
	}{
		"All":        {func(fs ...*Future[int]) *Future[int] { return total(All(fs...)) }, nil, 3, nil},
		"All, fails": {func(fs ...*Future[int]) *Future[int] { return total(All(fs...)) }, errRejected, 3, []error{errRejected}},
		"Race":       {Race[int], errRejected, 1, []error{errRejected}},
		"Any":        {Any[int], errRejected, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, 3, func(g game) {
				pa, pb := NewPromise[int](), NewPromise[int]()
				a, b := pa.Future(), pb.Future()
				var f *Future[int]
				g.Go("maker", func() {
					f = test.make(a, b)
					g.await(f, context.Background())
				})
				g.Go("a", func() { pa.Resolve(1) })
				g.Go("b", func() {
					if test.b != nil {
						pb.Reject(test.b)
					} else {
						pb.Resolve(2)
					}
				})
				g.Finally(func() {
					g.settledAs(f, test.value, test.errs...)
					g.settledAs(a, 1, ErrNotNeeded)
					g.settledAs(b, 2, ErrNotNeeded, errRejected)
				})
			})
			play(t, 3, func(g game) {
				pa, pb := NewPromise[int](), NewPromise[int]()
				f := test.make(pa.Future(), pb.Future())
				g.Go("both", func() { pa.TryResolve(1); pb.TryResolve(2) })
				g.Go("canceller", func() { f.Cancel(errCancel) })
				g.Finally(func() {
					g.settledAs(pa.Future(), 1, errCancel)
					g.settledAs(pb.Future(), 2, errCancel, ErrNotNeeded)
					g.settledAs(f, test.value, errCancel)
				})
			})
		})
	}
}

func TestExploreADeadHeat(t *testing.T) {
	play(t, 3, func(g game) {
		pa, pb := NewPromise[int](), NewPromise[int]()
		f := Race(pa.Future(), pb.Future())
		g.Go("a", func() { pa.Resolve(1) })
		g.Go("b", func() { pb.Resolve(2) })
		g.Finally(func() {
			if v, err, ok := f.Poll(); v != 1 && v != 2 || err != nil || !ok {
				g.Fatalf("settled with %v, %v, %v", v, err, ok)
			}
		})
	})
}

// The source that decides is settled while the combination is made.
func TestExploreTheLosersAreCancelled(t *testing.T) {
	for name, test := range map[string]struct {
		make func(fs ...*Future[int])
		a    func(p *Promise[int])
	}{
		"All":  {func(fs ...*Future[int]) { All(fs...) }, func(p *Promise[int]) { p.Reject(errRejected) }},
		"Any":  {func(fs ...*Future[int]) { Any(fs...) }, func(p *Promise[int]) { p.Resolve(1) }},
		"Race": {func(fs ...*Future[int]) { Race(fs...) }, func(p *Promise[int]) { p.Reject(errRejected) }},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, 3, func(g game) {
				pa, pb := NewPromise[int](), NewPromise[int]()
				g.Go("maker", func() { test.make(pa.Future(), pb.Future()) })
				g.Go("a", func() { test.a(pa) })
				g.Finally(func() { g.settledAs(pb.Future(), -1, ErrNotNeeded) })
			})
		})
	}
}

func TestExploreAsCompleted(t *testing.T) {
	play(t, 3, func(g game) {
		pa, pb := NewPromise[int](), NewPromise[int]()
		sum := 0
		g.Go("loop", func() {
			for v := range AsCompleted(context.Background(), pa.Future(), pb.Future()) {
				sum += v
			}
		})
		g.Go("a", func() { pa.Resolve(1) })
		g.Go("b", func() { pb.Resolve(2) })
		g.Finally(func() {
			if sum != 3 {
				g.Fatalf("the sum is %d", sum)
			}
		})
	})
}
