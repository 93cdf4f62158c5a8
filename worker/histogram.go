package worker

import (
	"encoding/json"
	"math/bits"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// Durations are counted in buckets, four to an octave of nanoseconds, so that a quantile is right to a quarter:
//
//	bucket  0  1  2  3 | 4  5  6  7 | 8  9  10  11 | ...
//	from    0  1  2  3 | 4  5  6  7 | 8 10  12  14 | ...
//
// The last one has everything from a quarter of an hour on.
const (
	subBits = 2
	buckets = 39 << subBits
)

func bucketOfDuration(d time.Duration) int {
	v := uint64(max(d, 0))
	if v < 1<<subBits {
		return int(v)
	}
	e := bits.Len64(v) - 1 - subBits
	return min(e<<subBits+int(v>>e), buckets-1)
}

// lower returns the least duration of a bucket.
func lower(bucket int) time.Duration {
	if bucket < 1<<subBits {
		return time.Duration(bucket)
	}
	e := bucket>>subBits - 1
	return time.Duration(bucket-e<<subBits) << e
}

// A histogram is written by one executor and read by anybody.
type histogram struct {
	counts [buckets]atom.Count
	sum    atom.Count
	most   atom.Count
}

func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucketOfDuration(d)].Add(1)
	h.sum.Add(uint64(d))
	if uint64(d) > h.most.Load() {
		h.most.Store(uint64(d))
	}
}

// A Histogram is how durations are distributed. Its quantiles are right to a quarter.
type Histogram struct {
	Count  uint64        // how many there are
	Sum    time.Duration // of all
	Max    time.Duration
	counts [buckets]uint64
}

func (h *Histogram) add(from *histogram) {
	for i := range from.counts {
		n := from.counts[i].Load()
		h.counts[i] += n
		h.Count += n
	}
	h.Sum += time.Duration(from.sum.Load())
	h.Max = max(h.Max, time.Duration(from.most.Load()))
}

// Mean returns the mean, or 0 if there is nothing.
func (h Histogram) Mean() time.Duration {
	if h.Count == 0 {
		return 0
	}
	return h.Sum / time.Duration(h.Count)
}

// Quantile returns the duration that the fraction q of all do not exceed, or 0 if there is nothing: Quantile(0.99) is the 99th
// percentile.
func (h Histogram) Quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.Count))
	for i, n := range h.counts {
		if rank < n {
			return min(lower(i+1)-1, h.Max)
		}
		rank -= n
	}
	return h.Max
}

// Since returns what was counted after an earlier snapshot. The maximum is still that of all.
func (h Histogram) Since(earlier Histogram) Histogram {
	h.Count -= earlier.Count
	h.Sum -= earlier.Sum
	for i := range h.counts {
		h.counts[i] -= earlier.counts[i]
	}
	return h
}

// MarshalJSON returns the number, mean, maximum and some quantiles, in nanoseconds.
func (h Histogram) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Count uint64        `json:"count"`
		Mean  time.Duration `json:"mean_ns"`
		P50   time.Duration `json:"p50_ns"`
		P90   time.Duration `json:"p90_ns"`
		P99   time.Duration `json:"p99_ns"`
		Max   time.Duration `json:"max_ns"`
	}{h.Count, h.Mean(), h.Quantile(0.5), h.Quantile(0.9), h.Quantile(0.99), h.Max})
}
