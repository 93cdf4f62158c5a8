package worker

import (
	"math"
	"testing"
	"time"
)

func TestBucketsAreInOrderAndRightToAQuarter(t *testing.T) {
	for d := time.Duration(0); d < 1<<39; d += d/17 + 1 {
		b := bucketOfDuration(d)
		if lower(b) > d || lower(b+1) <= d {
			t.Fatalf("%d is in bucket %d, from %d to %d", d, b, lower(b), lower(b+1))
		}
		if d >= 4 && float64(lower(b+1)-lower(b)) > 0.25*float64(lower(b)) {
			t.Fatalf("bucket %d is from %d to %d", b, lower(b), lower(b+1))
		}
	}
	for _, d := range []time.Duration{-1, math.MinInt64, math.MaxInt64, 1 << 40, 24 * time.Hour} {
		if b := bucketOfDuration(d); b < 0 || b >= buckets {
			t.Errorf("%d is in bucket %d of %d", d, b, buckets)
		}
	}
}

func TestQuantilesAndDifferencesOfHistograms(t *testing.T) {
	var h histogram
	for i := range 1000 {
		h.add(time.Duration(i+1) * time.Microsecond)
	}
	var first, all Histogram
	first.add(&h)
	for q, want := range map[float64]time.Duration{0: time.Microsecond, 0.5: 500 * time.Microsecond, 0.99: 990 * time.Microsecond, 1: time.Millisecond} {
		if got := first.Quantile(q); float64(got) < 0.99*float64(want) || float64(got) > 1.26*float64(want) {
			t.Errorf("quantile %g is %v, want about %v", q, got, want)
		}
	}
	if first.Max != time.Millisecond || first.Mean() != 500500*time.Nanosecond || first.Count != 1000 {
		t.Errorf("max %v, mean %v, count %d", first.Max, first.Mean(), first.Count)
	}
	h.add(time.Second)
	all.add(&h)
	if d := all.Since(first); d.Count != 1 || d.Quantile(0.5) < 800*time.Millisecond {
		t.Errorf("the difference has %d, median %v", d.Count, d.Quantile(0.5))
	}
	if n := (Histogram{}); n.Mean() != 0 || n.Quantile(0.5) != 0 {
		t.Error("an empty histogram has values")
	}
}
