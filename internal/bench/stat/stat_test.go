package stat

import (
	"math"
	"math/rand/v2"
	"testing"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.IsNaN(got) != math.IsNaN(want) || math.Abs(got-want) > tolerance {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func TestOrderStatisticsOfSmallSamples(t *testing.T) {
	near(t, "median of none", Median(nil), math.NaN(), 0)
	near(t, "median of one", Median([]float64{7}), 7, 0)
	near(t, "median of three", Median([]float64{9, 1, 5}), 5, 0)
	near(t, "median of four", Median([]float64{4, 1, 3, 2}), 2.5, 0)
	near(t, "p99 of none", Quantile(nil, 0.99), math.NaN(), 0)
	near(t, "p0", Quantile([]float64{3, 1, 2}, 0), 1, 0)
	near(t, "p50 of four", Quantile([]float64{4, 1, 3, 2}, 0.5), 2, 0)
	near(t, "p100", Quantile([]float64{3, 1, 2}, 1), 3, 0)
	near(t, "geometric mean", GeoMean([]float64{0.5, 2, 8}), 2, 1e-12)
	near(t, "mean", Mean([]float64{1, 2, 6}), 3, 0)

	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(i + 1)
	}
	near(t, "p99 of 1..100", Quantile(hundred, 0.99), 99, 0)
}

func TestOrderStatisticsLeaveTheirArgument(t *testing.T) {
	xs := []float64{3, 1, 2}
	Median(xs)
	Quantile(xs, 0.5)
	MedianInterval(xs, 0.5)
	if xs[0] != 3 || xs[1] != 1 || xs[2] != 2 {
		t.Errorf("reordered: %v", xs)
	}
}

func TestMedianIntervalNeedsSixValuesForNinetyFivePercent(t *testing.T) {
	lo, hi := MedianInterval([]float64{1, 2, 3, 4, 5}, 0.95)
	if !math.IsInf(lo, -1) || !math.IsInf(hi, 1) {
		t.Errorf("of five: %v, %v", lo, hi)
	}
	lo, hi = MedianInterval([]float64{6, 5, 4, 3, 2, 1}, 0.95)
	if lo != 1 || hi != 6 {
		t.Errorf("of six: %v, %v", lo, hi)
	}
	// The published table of ranks for 20 values: the 6th and the 15th (95.9 %).
	var twenty []float64
	for i := range 20 {
		twenty = append(twenty, float64(i+1))
	}
	lo, hi = MedianInterval(twenty, 0.95)
	if lo != 6 || hi != 15 {
		t.Errorf("of twenty: %v, %v", lo, hi)
	}
}

func TestMannWhitneyOnDisjointSamplesIsTwoWaysOfAll(t *testing.T) {
	a, b := []float64{1, 2, 3, 4, 5}, []float64{6, 7, 8, 9, 10}
	near(t, "5 and 5", MannWhitney(a, b), 2.0/252, 1e-12)
	near(t, "5 and 5, turned round", MannWhitney(b, a), 2.0/252, 1e-12)
	near(t, "3 and 3", MannWhitney(a[:3], b[:3]), 2.0/20, 1e-12)
	near(t, "1 and 1", MannWhitney(a[:1], b[:1]), 1, 1e-12)
	near(t, "none", MannWhitney(nil, b), 1, 0)
}

func TestLeastPIsThatOfSamplesThatDoNotOverlap(t *testing.T) {
	for n := range 8 {
		for m := range 8 {
			a, b := make([]float64, n), make([]float64, m)
			for i := range a {
				a[i] = float64(i)
			}
			for i := range b {
				b[i] = float64(100 + i)
			}
			near(t, "least p", LeastP(n, m), MannWhitney(a, b), 1e-12)
		}
	}
}

func TestMannWhitneyOnEqualSamplesIsOne(t *testing.T) {
	a := []float64{3, 1, 2, 5, 4}
	near(t, "itself", MannWhitney(a, a), 1, 1e-12)
	same := []float64{7, 7, 7, 7}
	near(t, "all tied", MannWhitney(same, same), 1, 1e-12)
	many := make([]float64, 40)
	near(t, "all tied, many", MannWhitney(many, many), 1, 1e-12)
}

// TestMannWhitneyAgreesWithTryingEveryChoice counts the tail by brute force, ties included.
func TestMannWhitneyAgreesWithTryingEveryChoice(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		a, b := make([]float64, 1+rng.IntN(6)), make([]float64, 1+rng.IntN(6))
		for i := range a {
			a[i] = float64(rng.IntN(8))
		}
		for i := range b {
			b[i] = float64(rng.IntN(8))
		}
		ranks, sum, _ := doubledRanks(a, b)
		var below, above, all float64
		for set := range 1 << len(ranks) {
			chosen, s := 0, 0
			for i, r := range ranks {
				if set>>i&1 == 1 {
					chosen++
					s += r
				}
			}
			if chosen != len(a) {
				continue
			}
			all++
			if s <= sum {
				below++
			}
			if s >= sum {
				above++
			}
		}
		near(t, "p", MannWhitney(a, b), min(1, 2*min(below, above)/all), 1e-12)
	}
}

func TestMannWhitneyIsContinuousWhereItTurnsToTheNormalDistribution(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		a, b := make([]float64, exactUpTo/2), make([]float64, exactUpTo/2)
		for i := range a {
			a[i], b[i] = rng.NormFloat64(), rng.NormFloat64()+0.4
		}
		exact := MannWhitney(a, b)
		approximate := MannWhitney(append(a, 0.2), b)
		near(t, "p", approximate, exact, 0.05)
	}
}

func TestMannWhitneyFindsAShiftThatIsLargerThanTheNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	a, b := make([]float64, 12), make([]float64, 12)
	for i := range a {
		a[i], b[i] = 100+rng.Float64()*10, 109+rng.Float64()*10
	}
	if p := MannWhitney(a, b); p > 0.001 {
		t.Errorf("p = %v for a shift of nine tenths of the spread", p)
	}
}
