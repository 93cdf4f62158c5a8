// Package workload has the workloads that schedbench measures, one to a file. A new one is such a file and its line in [All].
package workload

import (
	"context"
	"slices"
	"strconv"

	"go.uber.org/atomic"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
)

// All are the workloads in the order in which they are listed and run.
var All = []*bench.Workload{
	fib, fibClosure,
	nqueens, uts, matmul, quicksort, mergesort, integrate, strassen, skynet,
	forItems, loop,
	pairCold, pairHot, pairEmpty, trickle,
	submit, goAwait, futureAlone, chain, pingpong, suspended, lockUnlock, blocked,
	timers,
	echo, echoStall, idleConns, saturated,
	reads,
	idle,
	reduce, scan, filter, mapping, sorted,
	stream,
	files,
}

// Find returns the workload of that name, or nil.
func Find(name string) *bench.Workload {
	i := slices.IndexFunc(All, func(w *bench.Workload) bool { return w.Name == name })
	if i < 0 {
		return nil
	}
	return All[i]
}

// number makes a body of a function whose answer is a whole number.
func number[T ~int | ~int64 | ~uint64](fn func(ctx context.Context) (T, error)) bench.Body {
	return func(r *bench.Run) (string, error) {
		x, err := fn(r.Context)
		r.Stop()
		return decimal(x), err
	}
}

func decimal[T ~int | ~int64 | ~uint64](x T) string {
	if x < 0 {
		return strconv.FormatInt(int64(x), 10)
	}
	return strconv.FormatUint(uint64(x), 10)
}

// A budget bounds the goroutines of a recursion whose shape is not known beforehand: what would go over it runs in place.
type budget struct {
	free atomic.Int64
}

func newBudget(goroutines int) *budget {
	b := &budget{}
	b.free.Store(int64(goroutines))
	return b
}

// take asks for a goroutine. Who gets one gives it back with b.free.Inc.
func (b *budget) take() bool {
	if b.free.Load() <= 0 { // the usual case, without writing what others read
		return false
	}
	if b.free.Dec() >= 0 {
		return true
	}
	b.free.Inc()
	return false
}
