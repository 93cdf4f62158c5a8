package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// A load is regions of jobs, one region after the other. In a region a root job divides until its parts are leaves.
type load struct {
	regions int
	leaves  func(*rand.Rand) int
	leaf    time.Duration // mean
	gap     time.Duration // before each region
	spread  bool          // regions begin on any worker, not all on the first

	rng     *rand.Rand
	workers int
	seed    uint64
}

// Loads are the names of loads:
//
//	tree      one large computation: irregular, leaves of 5 us, 2000 for each worker
//	fine      the same with leaves of 1 us
//	regions   200 small regions one after the other, of leaves of 20 us, 1 to 2 for each worker, begun on any worker, 200 us of rest
//	          between them
//	few       the same with leaves for an eighth of the workers
var Loads = []string{"tree", "fine", "regions", "few"}

func newLoad(name string, workers int, seed uint64) (load, error) {
	l := load{workers: workers, rng: rand.New(rand.NewPCG(seed, 1)), seed: seed}
	fixed := func(n int) func(*rand.Rand) int { return func(*rand.Rand) int { return n } }
	switch name {
	case "tree":
		l.regions, l.leaves, l.leaf = 1, fixed(2000*workers), 5*time.Microsecond
	case "fine":
		l.regions, l.leaves, l.leaf = 1, fixed(5000*workers), time.Microsecond
	case "regions":
		l.regions, l.leaf, l.gap, l.spread = 200, 20*time.Microsecond, 200*time.Microsecond, true
		l.leaves = func(r *rand.Rand) int { return workers + r.IntN(workers+1) }
	case "few":
		l.regions, l.leaf, l.gap, l.spread = 200, 20*time.Microsecond, 200*time.Microsecond, true
		l.leaves = fixed(max(2, workers/8))
	default:
		return l, fmt.Errorf("sim: there is no load %q; loads: %s", name, strings.Join(Loads, ", "))
	}
	return l, nil
}

// A region is the beginning of one.
type region struct {
	root   job
	worker int
	gap    time.Duration
}

func (l *load) next() (region, bool) {
	if l.regions == 0 {
		return region{}, false
	}
	l.regions--
	r := region{root: job{seed: l.rng.Uint64(), size: l.leaves(l.rng)}, gap: l.gap}
	if l.spread {
		r.worker = l.rng.IntN(l.workers)
	}
	return r, true
}

// children divides a job. How depends on the job alone, so all policies have the same tree.
func (l *load) children(j job) []job {
	if j.size <= 1 {
		return nil
	}
	r := mix(j.seed)
	part := 0.25 + 0.5*float64(r>>11)/(1<<53) // a quarter to three quarters
	a := min(max(1, int(part*float64(j.size))), j.size-1)
	return []job{{mix(r), a}, {mix(r + 1), j.size - a}}
}

// work is how long a job runs: a leaf half to one and a half of the mean, what divides a little.
func (l *load) work(j job) time.Duration {
	if j.size > 1 {
		return 50 * time.Nanosecond
	}
	return l.leaf/2 + time.Duration(mix(j.seed)%uint64(l.leaf))
}

// mix is the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
