package worker

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// A call is a root task that calls a function.
type call struct {
	Root
	f    func(*Task)
	done *sync.WaitGroup
}

func (c *call) Run(t *Task)             { c.f(t) }
func (c *call) Done(*PanicError, error) { c.done.Done() }

func submitCall(t *testing.T, p *Pool, done *sync.WaitGroup, f func(*Task)) {
	t.Helper()
	c := &call{f: f, done: done}
	c.Init(context.Background(), c)
	done.Add(1)
	if err := p.Submit(&c.Root); err != nil {
		t.Fatal(err)
	}
}

func newPool(t *testing.T, workers, most int) *Pool {
	t.Helper()
	p, err := New(Config{Workers: workers, MaxWorkers: most, Spin: DefaultSpin})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// together returns how many of n tasks run at once, if each waits for the others as long as there is hope.
func together(t *testing.T, p *Pool, n int) int {
	t.Helper()
	var done sync.WaitGroup
	var running, most atomic.Int32
	enough := make(chan struct{})
	want := int32(min(n, p.Size()))
	for range n {
		submitCall(t, p, &done, func(*Task) {
			k := running.Add(1)
			for m := most.Load(); k > m && !most.CompareAndSwap(m, k); m = most.Load() {
			}
			if k == want {
				close(enough)
			}
			<-enough // natively: the worker stays occupied
			runtime.Gosched()
			running.Add(-1)
		})
	}
	done.Wait()
	return int(most.Load())
}

// (The tasks wait for each other, so a pool that did not grow would hang here.)
func TestAPoolGrowsAndShrinks(t *testing.T) {
	p := newPool(t, 1, 6)
	if p.Limit() != 6 || p.Size() != 1 {
		t.Fatalf("limit %d, size %d", p.Limit(), p.Size())
	}
	for _, n := range []int{1, 3, 6, 2, 1, 4, 6, 5, 1, 2} {
		if err := p.Resize(n); err != nil {
			t.Fatal(err)
		}
		if p.Size() != n || p.Stats().Workers != n || p.Stats().Guests != 0 {
			t.Errorf("after Resize(%d): size %d, %+v", n, p.Size(), p.Stats())
		}
		for range 3 {
			if k := together(t, p, n); k != n {
				t.Errorf("%d workers run %d tasks at once", n, k)
			}
		}
	}
	for _, n := range []int{0, -1, 7, math.MaxInt} {
		if err := p.Resize(n); err == nil {
			t.Errorf("Resize(%d) is accepted", n)
		}
	}
}

func TestNoMoreTasksRunThanAPoolThatHasShrunkHasWorkers(t *testing.T) {
	p := newPool(t, 4, 4)
	together(t, p, 4) // all threads run
	if err := p.Resize(2); err != nil {
		t.Fatal(err)
	}
	for p.Stats().Awake > 0 { // the surplus ones park
		runtime.Gosched()
	}
	var done sync.WaitGroup
	var running atomic.Int32
	for range 400 {
		submitCall(t, p, &done, func(*Task) {
			if k := running.Add(1); k > 2 {
				t.Errorf("%d tasks at once", k)
			}
			runtime.Gosched()
			running.Add(-1)
		})
	}
	done.Wait()
}

// Workers that always have work in their own deques retire as well.
func TestBusyWorkersRetire(t *testing.T) {
	p := newPool(t, 4, 4)
	var done sync.WaitGroup
	var running, calm atomic.Int32
	var step func(*Task)
	step = func(t *Task) {
		if running.Add(1) > 2 {
			calm.Store(0)
		}
		runtime.Gosched()
		running.Add(-1)
		if calm.Add(1) < 1000 {
			c := &call{f: step, done: &done}
			c.Init(context.Background(), c)
			done.Add(1)
			if t.Submit(&c.Root) != nil {
				done.Done()
			}
		}
	}
	hold := make(chan struct{})
	var held sync.WaitGroup
	held.Add(4)
	for range 4 { // each worker has one
		submitCall(t, p, &done, func(t *Task) { held.Done(); <-hold; step(t) })
	}
	held.Wait()
	if err := p.Resize(2); err != nil {
		t.Fatal(err)
	}
	close(hold)
	done.Wait() // when there have not been more than two at once for a while
}

// A worker that retires while tasks of it are suspended goes on with them when their waits end.
func TestSuspendedTasksOfARetiredWorkerGoOn(t *testing.T) {
	p := newPool(t, 4, 4)
	var done sync.WaitGroup
	const n = 40
	waits := make([]Waiter, n)
	var ready, over atomic.Int32
	for i := range n {
		submitCall(t, p, &done, func(t *Task) {
			waits[i].Init(t)
			ready.Add(1)
			if err := waits[i].Wait(t); err == nil {
				over.Add(1)
			}
		})
	}
	for ready.Load() < n {
		runtime.Gosched()
	}
	if err := p.Resize(1); err != nil {
		t.Fatal(err)
	}
	together(t, p, 1)
	for i := range waits {
		for !waits[i].Wake() { // it may not wait yet
			runtime.Gosched()
		}
	}
	done.Wait()
	if over.Load() != n {
		t.Errorf("%d of %d waits ended well", over.Load(), n)
	}
}

// Whatever the size does meanwhile, every task runs once, and none is left behind while workers sleep.
func TestResizingLosesNothing(t *testing.T) {
	p := newPool(t, 2, 8)
	stop := make(chan struct{})
	var resizer sync.WaitGroup
	resizer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				if err := p.Resize(i*5%8 + 1); err != nil {
					t.Error(err)
				}
				runtime.Gosched()
			}
		}
	})
	kind := NewFork[int, int]()
	var fib func(*Task, int) int
	fib = func(t *Task, n int) int {
		if n < 2 {
			return n
		}
		f := kind.Fork(t, fib, n-1)
		y := fib(t, n-2)
		return f.Join(t) + y
	}
	var ran atomic.Int32
	rounds := 300
	if testing.Short() {
		rounds = 100
	}
	for range rounds {
		var done sync.WaitGroup
		for range 10 {
			submitCall(t, p, &done, func(t *Task) {
				if fib(t, 10) == 55 {
					ran.Add(1)
				}
			})
		}
		done.Wait() // hangs if a wake was lost
	}
	close(stop)
	resizer.Wait()
	if int(ran.Load()) != 10*rounds {
		t.Errorf("%d of %d tasks ran", ran.Load(), 10*rounds)
	}
}

func TestAPoolIsClosedWhateverItsSizeHasBeen(t *testing.T) {
	for _, sizes := range [][]int{{4}, {4, 1}, {1, 4, 2}} {
		p, err := New(Config{Workers: 1, MaxWorkers: 4})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range sizes {
			if err := p.Resize(n); err != nil {
				t.Fatal(err)
			}
			together(t, p, n)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if err := p.Move(nil, nil); !errors.Is(err, ErrClosed) {
			t.Errorf("a closed pool moves its workers: %v", err)
		}
	}
}

// A worker that is started for one task, posted or prompt, does not count as one that looks for work while that runs.
func TestTheFirstTaskOfAWorkerIsNoSearch(t *testing.T) {
	for name, start := range map[string]func(*Pool, *Root) error{
		"posted": func(p *Pool, r *Root) error { return p.Post(0, r) },
		"prompt": (*Pool).Prompt,
	} {
		p := newPool(t, 1, 1)
		p.looper.make = func() (Loop, error) { return nil, ErrClosed }
		var done sync.WaitGroup
		done.Add(1)
		c := &call{done: &done, f: func(*Task) {
			if s := p.state.Load(); searching(s) != 0 || awake(s) != 1 {
				t.Errorf("%s: %d of %d that are awake search", name, searching(s), awake(s))
			}
		}}
		c.Init(context.Background(), c)
		if err := start(p, &c.Root); err != nil {
			t.Fatal(err)
		}
		done.Wait()
	}
}
