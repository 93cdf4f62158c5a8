package worker

import (
	"runtime"
	"slices"
	"sync"
)

// While all workers compute, ordinary goroutines need a P too, so a pool raises GOMAXPROCS to one more than its workers. With
// several pools the largest wish counts; after the last one, the old value is restored, or the runtime's own default if that
// was in force.
var reserved reservation

type reservation struct {
	sync.Mutex
	wishes []int
	before int  // GOMAXPROCS before the first wish
	custom bool // before was not the runtime's default
	set    int  // what was set last
}

// reserve makes GOMAXPROCS at least n until release(n).
func reserve(n int) {
	r := &reserved
	r.Lock()
	defer r.Unlock()
	if len(r.wishes) == 0 {
		r.before = runtime.GOMAXPROCS(0)
		runtime.SetDefaultGOMAXPROCS()
		r.custom = runtime.GOMAXPROCS(0) != r.before
	}
	r.wishes = append(r.wishes, n)
	r.apply()
}

// adjust changes a wish.
func adjust(from, to int) {
	r := &reserved
	r.Lock()
	defer r.Unlock()
	r.wishes[slices.Index(r.wishes, from)] = to
	if runtime.GOMAXPROCS(0) == r.set { // otherwise the program has changed it since, and shall have its way
		r.apply()
	}
}

func release(n int) {
	r := &reserved
	r.Lock()
	defer r.Unlock()
	i := slices.Index(r.wishes, n)
	r.wishes = slices.Delete(r.wishes, i, i+1)
	switch {
	case runtime.GOMAXPROCS(0) != r.set: // the program has changed it since, and shall have its way
	case len(r.wishes) > 0:
		r.apply()
	case r.custom:
		runtime.GOMAXPROCS(r.before)
	default:
		runtime.SetDefaultGOMAXPROCS()
	}
}

func (r *reservation) apply() {
	r.set = max(r.before, slices.Max(r.wishes))
	runtime.GOMAXPROCS(r.set)
}
