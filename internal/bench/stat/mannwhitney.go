package stat

import (
	"math"
	"slices"
)

// exactUpTo is the size of two samples together up to which MannWhitney counts every case. Beyond it the normal distribution
// is as good.
const exactUpTo = 60

// MannWhitney returns the probability (two-sided) that two samples from one source differ in rank as much as a and b do: the
// Mann-Whitney U test. It is 1 if either is empty, and never less than [LeastP]. It costs about (n+m)^4 additions up to 60
// values and n+m beyond.
//
// Up to 60 values the probability is exact, ties included. With ties the textbook recurrence on U does not hold, so the
// distribution is that of the sum of ranks over all ways to choose which values are a's; ranks are doubled, so that the mean
// rank that tied values share is a whole number.
func MannWhitney(a, b []float64) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 1
	}
	ranks, sum, ties := doubledRanks(a, b)
	if len(ranks) <= exactUpTo {
		return exactTail(ranks, len(a), sum)
	}
	n, m := float64(len(a)), float64(len(b))
	all := n + m
	variance := n * m / 12 * (all + 1 - ties/(all*(all-1)))
	if variance <= 0 {
		return 1
	}
	off := math.Abs(float64(sum)/2-n*(all+1)/2) - 0.5 // half a step, since ranks are whole and the normal distribution is not
	return math.Min(1, math.Erfc(math.Max(off, 0)/math.Sqrt(2*variance)))
}

// LeastP returns the smallest probability that MannWhitney can find for samples of n and m values, which is when they do not
// overlap: two of the C(n+m, n) ways to choose. Samples of less than four each never reach 0.05.
func LeastP(n, m int) float64 {
	ways := 1.0
	for i := 1; i <= n; i++ {
		ways *= float64(m+i) / float64(i)
	}
	return math.Min(1, 2/ways)
}

// doubledRanks returns twice the rank of each value among a and b together, the sum of a's, and the sum over groups of tied
// values of t^3-t.
func doubledRanks(a, b []float64) (ranks []int, sumA int, ties float64) {
	type value struct {
		x     float64
		fromA bool
	}
	var pool []value
	for _, x := range a {
		pool = append(pool, value{x, true})
	}
	for _, x := range b {
		pool = append(pool, value{x, false})
	}
	slices.SortFunc(pool, func(p, q value) int {
		switch {
		case p.x < q.x:
			return -1
		case p.x > q.x:
			return 1
		}
		return 0
	})
	for i := 0; i < len(pool); {
		j := i
		for j < len(pool) && pool[j].x == pool[i].x {
			j++
		}
		t := float64(j - i)
		ties += t*t*t - t
		for _, v := range pool[i:j] {
			ranks = append(ranks, i+1+j) // ranks i+1 to j share their mean
			if v.fromA {
				sumA += i + 1 + j
			}
		}
		i = j
	}
	return ranks, sumA, ties
}

// exactTail returns the share of the ways to choose n of the ranks whose sum is as far out as sum, on both sides.
func exactTail(ranks []int, n, sum int) float64 {
	total := 0
	for _, r := range ranks {
		total += r
	}
	// ways[k][s]: how many choices of k of the ranks seen so far have the sum s.
	ways := make([][]float64, n+1)
	for k := range ways {
		ways[k] = make([]float64, total+1)
	}
	ways[0][0] = 1
	for _, r := range ranks {
		for k := n; k >= 1; k-- { // downwards, so that no rank is chosen twice
			for s := total; s >= r; s-- {
				ways[k][s] += ways[k-1][s-r]
			}
		}
	}
	var below, above, all float64
	for s, w := range ways[n] {
		all += w
		if s <= sum {
			below += w
		}
		if s >= sum {
			above += w
		}
	}
	return math.Min(1, 2*math.Min(below, above)/all)
}
