package sched

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// pairs yields 0 to n-1, and then the error, if there is one.
func pairs(n int, last error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		if last != nil {
			yield(0, last)
		}
	}
}

func TestChunksAndWindows(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for _, n := range []int{0, 1, 9, 10, 11, 1000} {
			chunks, err := Collect(Chunk(pairs(n, nil), 10))
			wantUpTo(t, n, 1, slices.Concat(chunks...), err)
			if len(chunks) != (n+9)/10 {
				t.Errorf("%d chunks of %d", len(chunks), n)
			}
			sums, err := Collect(ReduceWindows(Stream(ctx, upTo(n), double), 10, 0, func(a, x int) int { return a + x }))
			if err != nil || len(sums) != (n+9)/10 || n >= 20 && sums[1] != 2*145 {
				t.Errorf("%v, %v", sums, err)
			}
		}
		chunks, err := Collect(Chunk(pairs(15, io.EOF), 10))
		if err != io.EOF || len(chunks) != 2 || len(chunks[1]) != 5 {
			t.Error(chunks, err)
		}
	})
}

func TestMergedSourcesLoseNothing(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		for range 20 {
			all, err := Collect(Merge(ctx, pairs(1000, nil), Stream(ctx, upTo(1000), double), pairs(0, nil)))
			if slices.Sort(all); err != nil || len(all) != 2000 || all[1] != 0 || all[1999] != 1998 {
				t.Fatal(len(all), err)
			}
		}
		if all, err := Collect(Merge[int](ctx)); err != nil || len(all) != 0 {
			t.Error(all, err)
		}
		if _, err := Collect(Merge(ctx, pairs(10, nil), pairs(10, io.EOF))); err != io.EOF {
			t.Error(err)
		}
		bad := func(yield func(int, error) bool) { panic("source") }
		var p *PanicError
		if _, err := Collect(Merge(ctx, pairs(10, nil), bad)); !errors.As(err, &p) || p.Value != "source" {
			t.Error(err)
		}
		var ended atomic.Int64
		endless := func(yield func(int, error) bool) {
			defer ended.Add(1)
			for yield(1, nil) {
			}
		}
		for range Merge(ctx, endless, endless) {
			break
		}
		if ended.Load() != 2 {
			t.Errorf("%d sources have ended", ended.Load())
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := Collect(Merge(cancelled, endless)); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestSplitAndTee(t *testing.T) {
	everyPool(t, func(t *testing.T, s *Scheduler, ctx context.Context) {
		var sum, n atomic.Int64
		add := func(part iter.Seq2[int, error]) error {
			for x, err := range part {
				if err != nil {
					return err
				}
				sum.Add(int64(x))
				n.Add(1)
			}
			return nil
		}
		leave := func(part iter.Seq2[int, error]) error {
			for range part {
				break
			}
			return nil
		}
		fail := func(iter.Seq2[int, error]) error { return io.ErrNoProgress }
		explode := func(iter.Seq2[int, error]) error { panic("consumer") }
		reset := func() { sum.Store(0); n.Store(0) }

		if err := Split(ctx, pairs(1000, nil), add, add, add); err != nil || n.Load() != 1000 || sum.Load() != 499500 {
			t.Fatal(err, n.Load())
		}
		reset()
		if err := Tee(ctx, Stream(ctx, upTo(1000), double), add, leave, add); err != nil || n.Load() != 2000 || sum.Load() != 2*999000 {
			t.Fatal(err, n.Load())
		}
		reset()
		if err := Split(ctx, pairs(100, io.EOF), add, add); err != io.EOF || n.Load() != 100 {
			t.Error(err, n.Load())
		}
		endless := func(yield func(int, error) bool) {
			for yield(1, nil) {
			}
		}
		for name, deal := range map[string]func(context.Context, iter.Seq2[int, error], ...func(iter.Seq2[int, error]) error) error{
			"Split": Split[int], "Tee": Tee[int],
		} {
			if err := deal(ctx, endless, leave, leave); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := deal(ctx, endless, add, fail); err != io.ErrNoProgress {
				t.Errorf("%s: %v", name, err)
			}
			var p *PanicError
			if err := deal(ctx, endless, add, explode); !errors.As(err, &p) || p.Value != "consumer" {
				t.Errorf("%s: %v", name, err)
			}
			cancelled, cancel := context.WithCancel(ctx)
			cancel()
			if err := deal(cancelled, endless, add); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
			if r := mustPanic(t, func() { _ = deal(ctx, func(func(int, error) bool) { panic("source") }, add) }); r != "source" {
				t.Errorf("%s: panic %v", name, r)
			}
		}
	})
	for want, f := range map[string]func(){
		"Chunk":         func() { Chunk(pairs(1, nil), 0) },
		"ReduceWindows": func() { ReduceWindows[int, int](pairs(1, nil), 1, 0, nil) },
		"Merge":         func() { Merge[int](context.Background(), nil) },
		"Split":         func() { _ = Split(context.Background(), pairs(1, nil)) },
		"Tee":           func() { _ = Tee(context.Background(), pairs(1, nil), nil) },
	} {
		if r, _ := mustPanic(t, f).(string); !strings.Contains(r, want) {
			t.Errorf("%s: panic %v", want, r)
		}
	}
}
