package worker

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/pinwheel-sched/pinwheel/deque"
)

func TestABitsetTakesEachElementOnceAndWhatToAvoidLast(t *testing.T) {
	b := newBitset(200)
	for _, i := range []int{0, 63, 64, 130, 199} {
		b.add(i)
	}
	if b.remove(1) || !b.remove(130) || b.remove(130) {
		t.Error("remove does not tell what was in")
	}
	for _, want := range []int{63, 64, 199, 0, -1} {
		if got := b.take(0); got != want {
			t.Errorf("took %d, want %d", got, want)
		}
	}
}

func TestTheInjectorIsFirstInFirstOut(t *testing.T) {
	var q injector
	q.init()
	own, _ := deque.New[Job](8)
	jobs := make([]Job, 100)
	next := 0
	drain := func(n int) {
		for range n {
			j := own.Pop() // a batch lies there in order
			if j == nil {
				j, _ = q.pop(own)
			}
			if j != &jobs[next] {
				t.Fatalf("job %d is not next", next)
			}
			next++
		}
	}
	for i := range 50 {
		q.push(&jobs[i])
	}
	drain(20)
	for i := 50; i < 99; i++ {
		q.push(&jobs[i])
	}
	drain(60)
	q.close()
	if q.push(&jobs[99]) {
		t.Error("a closed injector takes jobs")
	}
	drain(19)
	if j, busy := q.pop(own); j != nil || busy || !q.empty() {
		t.Error("something is left")
	}
	q.putBack(&jobs[99])
	drain(1)
}

func TestGOMAXPROCSIsRestoredToWhatItWas(t *testing.T) {
	defer runtime.SetDefaultGOMAXPROCS()
	byDefault := runtime.GOMAXPROCS(0)
	reserve(byDefault + 3)
	reserve(byDefault + 1)
	if n := runtime.GOMAXPROCS(0); n != byDefault+3 {
		t.Errorf("reserved: %d", n)
	}
	release(byDefault + 3)
	if n := runtime.GOMAXPROCS(0); n != byDefault+1 {
		t.Errorf("after the first release: %d", n)
	}
	release(byDefault + 1)
	if n := runtime.GOMAXPROCS(0); n != byDefault {
		t.Errorf("restored: %d, want %d", n, byDefault)
	}
	runtime.GOMAXPROCS(byDefault + 7)
	reserve(2)
	release(2)
	if n := runtime.GOMAXPROCS(0); n != byDefault+7 {
		t.Errorf("a value of the program's own became %d", n)
	}
	reserve(byDefault + 9)
	runtime.GOMAXPROCS(1)
	release(byDefault + 9)
	if n := runtime.GOMAXPROCS(0); n != 1 {
		t.Errorf("what the program set meanwhile became %d", n)
	}
}

func TestAWakeBeforeTheWaitIsNotLostAndOnlyOneCounts(t *testing.T) {
	var w Waiter
	w.Init(context.Background())
	if !w.Wake() || w.Wake() {
		t.Error("not exactly one wake counts")
	}
	if err := w.Wait(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestWakeAndCancelHaveOneWinner(t *testing.T) {
	for range 2000 {
		var w Waiter
		ctx, cancel := context.WithCancel(context.Background())
		w.Init(ctx)
		var both sync.WaitGroup
		var woken bool
		both.Go(func() { woken = w.Wake() })
		both.Go(cancel)
		err := w.Wait(ctx)
		both.Wait()
		if woken != (err == nil) || err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("Wake %t, Wait %v", woken, err)
		}
	}
}

func TestPoolsOfImpossibleSizesAreRefused(t *testing.T) {
	for _, n := range []int{-1, 0, MaxWorkers + 1} {
		if _, err := New(Config{Workers: n}); err == nil {
			t.Errorf("%d workers are accepted", n)
		}
	}
}

// Entries of tasks that their callers took over do not pile up while no worker comes.
func TestTheInjectorsFrontIsClearedOfClaimedTasks(t *testing.T) {
	var q injector
	q.init()
	own, _ := deque.New[Job](8)
	for range 10 * blockSlots {
		j := &Job{}
		j.offer()
		q.push(j)
		if !j.claim() || j.claim() {
			t.Fatal("a claim that does not claim, or does twice")
		}
		q.dropClaimed()
		if !q.empty() {
			t.Fatalf("%d entries are left", q.count(100))
		}
	}
	waits := &Job{}
	waits.offer()
	q.push(waits)
	for range 3 {
		q.push(&Job{})
	}
	q.dropClaimed()
	if j, _ := q.pop(own); j != waits {
		t.Error("a task that nobody has claimed is gone")
	}
}
