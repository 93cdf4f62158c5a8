// Package stat has the statistics of small samples of running times: order statistics, which one slow run cannot move far,
// and a test of whether two samples differ that assumes nothing of how times are distributed.
package stat

import (
	"math"
	"slices"
)

// Median returns the middle of xs, the mean of the two in the middle when their number is even, and NaN when there are none.
// It leaves xs as it is.
func Median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	n := len(s)
	switch {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return s[n/2]
	}
	return s[n/2-1] + (s[n/2]-s[n/2-1])/2
}

// Quantile returns the smallest of xs that at least the fraction q of them do not exceed (the nearest rank), and NaN when
// there are none. It leaves xs as it is.
func Quantile(xs []float64, q float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(xs))
	rank := int(math.Ceil(q*float64(len(s)))) - 1
	return s[min(max(rank, 0), len(s)-1)]
}

// Mean returns the arithmetic mean of xs, and NaN when there are none.
func Mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// GeoMean returns the geometric mean of xs, which must be positive, and NaN when there are none. It is the mean to use for
// ratios.
func GeoMean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += math.Log(x)
	}
	return math.Exp(sum / float64(len(xs)))
}

// MedianInterval returns two of xs between which the median of their source lies with at least the given confidence. The k-th
// smallest and the k-th largest of n enclose it unless fewer than k of the n fell on one side, which is a matter of tossing n
// coins. It returns infinities when n is too small for that confidence: it takes 6 for 0.95.
func MedianInterval(xs []float64, confidence float64) (lo, hi float64) {
	s := slices.Sorted(slices.Values(xs))
	n := len(s)
	lo, hi = math.Inf(-1), math.Inf(1)
	outside := 0.0                    // probability that the median is outside of s[k-1], s[n-k]
	term := math.Pow(2, 1-float64(n)) // twice the probability of k-1 heads in n tosses
	for k := 1; k <= (n+1)/2; k++ {
		outside += term
		if 1-outside < confidence {
			break
		}
		lo, hi = s[k-1], s[n-k]
		term *= float64(n-k+1) / float64(k)
	}
	return lo, hi
}
