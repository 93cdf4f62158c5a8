package sched

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"
)

// What an idle scheduler costs a program that does something else: goroutines that are started and awaited, and that talk through
// channels. Compare the two.
func BenchmarkPlainGoroutines(b *testing.B) {
	work := func(b *testing.B) {
		in, out := make(chan int), make(chan int)
		go func() {
			for x := range in {
				out <- x + 1
			}
			close(out)
		}()
		for i := range b.N {
			var all sync.WaitGroup
			for range 8 {
				all.Go(runtime.Gosched)
			}
			in <- i
			<-out
			all.Wait()
		}
		close(in)
		<-out
	}
	b.Run("pool=none", work)
	s, ctx := newScheduler(b)
	if err := For(ctx, 100_000, func(int) {}); err != nil { // its threads run
		b.Fatal(err)
	}
	if _, err := Go(ctx, func(t *Task) (int, error) { return 0, Sleep(t, time.Millisecond) }).Await(context.Background()); err != nil {
		b.Fatal(err)
	}
	for s.Stats().Awake > 0 {
		time.Sleep(time.Millisecond)
	}
	b.Run("pool=idle", work)
	runtime.KeepAlive(s)
}
