package bench

import (
	"math"
	"runtime"
	"sync"
	"time"
)

// The computing that the tasks of some workloads do: a chain of multiplications, each of which needs the one before, so that
// its time is the latency of the processor and neither memory nor the clock. x -> a*x + c mod 2^64, with Knuth's constants.
const (
	spinA = 6364136223846793005
	spinC = 1442695040888963407
)

// Spin does n steps from x and returns where they lead.
func Spin(x uint64, n int) uint64 {
	for range n {
		x = x*spinA + spinC
	}
	return x
}

// SpinSum returns the sum of Spin(x, n) for x from 0 to count-1 without doing the steps: n steps are one step x -> a^n*x +
// c', found by squaring.
func SpinSum(count uint64, n int) uint64 {
	a, c := uint64(1), uint64(0)                 // no step
	stepA, stepC := uint64(spinA), uint64(spinC) // 1, 2, 4, ... steps
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			a, c = stepA*a, stepA*c+stepC
		}
		stepA, stepC = stepA*stepA, stepA*stepC+stepC
	}
	sum := count / 2 * (count - 1) // of 0 to count-1; the even one of the two factors is halved
	if count%2 == 1 {
		sum = (count - 1) / 2 * count
	}
	return a*sum + c*count
}

// SpinSteps returns how many steps take d on this machine. It measures once; the fastest of many tries counts, since the
// slower ones were disturbed.
func SpinSteps(d time.Duration) int {
	return int(math.Round(float64(d) / nsPerStep()))
}

var nsPerStep = sync.OnceValue(func() float64 {
	const steps, tries = 20_000, 300
	best := time.Duration(math.MaxInt64)
	x := uint64(1)
	for range tries {
		begin := time.Now()
		x = Spin(x, steps)
		best = min(best, time.Since(begin))
	}
	runtime.KeepAlive(x) // or the compiler might leave the steps out
	return float64(best) / steps
})
