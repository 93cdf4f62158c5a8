package mc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"time"
)

// Config bounds an exploration.
type Config struct {
	Preemptions int    // how many turns may be taken, in one run, from threads that could go on
	Spurious    int    // how many futex waits may end for no reason, in one run
	Steps       int    // a run of more operations is a livelock; 0 means 10,000
	Sampled     int    // runs with up to one preemption more to make after that, chosen at random: where all would be too many
	Walks       int    // random walks to take after the bounded search, without a bound on preemptions
	Seed        uint64 // of the random walks
	Replay      Schedule

	// Punctual says that the clock moves only when nobody can run, and then to the first deadline. So it is exact: a thread that sleeps
	// too long is late by this clock. Without it any timeout may run out at any time, as it may on a busy machine.
	Punctual bool
}

// A Result says what an exploration found.
type Result struct {
	Runs    int      // executions of the harness
	Longest int      // operations in the longest one
	Failure *Failure // nil if every run was as it should be
}

// A Failure is a run that went wrong.
type Failure struct {
	Reason   string
	Schedule Schedule
	Trace    string // a line per operation
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s\n%sreplay with MC_REPLAY=%v", f.Reason, f.Trace, f.Schedule)
}

// TB is what [Explore] needs of a *testing.T.
type TB interface {
	Helper()
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Explore searches as [Search] does and fails the test if a run fails. The environment overrides the configuration:
//
//	MC_PREEMPTIONS=4       searches deeper; what is sampled then is one deeper still
//	MC_SAMPLED=1000000     samples more
//	MC_WALKS=1000000       walks at random, from MC_SEED
//	MC_REPLAY=0x3,1,0      makes that one run and nothing else, which is of use with -run for one test
//
// It fails where the tag mc is not set: the words of internal/atom would hand over control to nobody.
func Explore(t TB, c Config, harness func(*Run)) {
	t.Helper()
	if !tagged {
		t.Fatalf("mc: this harness explores nothing, for want of the tag mc: put it into a file that has //go:build mc")
		return
	}
	if err := c.override(); err != nil {
		t.Fatalf("%v", err)
	}
	start := time.Now()
	result := Search(c, harness)
	if result.Failure != nil {
		t.Fatalf("after %d runs: %v", result.Runs, result.Failure)
	}
	t.Logf("%d runs of up to %d operations in %v", result.Runs, result.Longest, time.Since(start).Round(time.Millisecond))
}

func (c *Config) override() (err error) {
	number := func(name string, set func(uint64)) {
		if text := os.Getenv(name); text != "" && err == nil {
			n, e := strconv.ParseUint(text, 10, 31)
			if e != nil {
				err = fmt.Errorf("mc: %s=%q is not a number", name, text)
			}
			set(n)
		}
	}
	number("MC_PREEMPTIONS", func(n uint64) { c.Preemptions = int(n) })
	number("MC_SAMPLED", func(n uint64) { c.Sampled = int(n) })
	number("MC_WALKS", func(n uint64) { c.Walks = int(n) })
	number("MC_SEED", func(n uint64) { c.Seed = n })
	if text := os.Getenv("MC_REPLAY"); text != "" && err == nil {
		c.Replay, err = ParseSchedule(text)
	}
	return err
}

// exploring lets one exploration run at a time, since the words of internal/atom find it through a variable.
var exploring sync.Mutex

// seldom is how far the heap grows between collections while an exploration goes on, in percent. Each run leaves a little garbage, and
// nothing lives for long: by default a third of an exploration's time went into collecting.
const seldom = 1000

// Search makes runs of the harness until one fails, or all have been made that the configuration allows. It is for tests
// that expect a failure; others use [Explore].
func Search(c Config, harness func(*Run)) Result {
	exploring.Lock()
	defer exploring.Unlock()
	defer debug.SetGCPercent(debug.SetGCPercent(seldom))
	if c.Steps == 0 {
		c.Steps = 10_000
	}
	s := &search{config: c, harness: harness, scratch: make([]option, 0, 64)}
	defer s.close()
	if c.Replay != nil {
		return s.replay(c.Replay)
	}
	s.exhaust()
	s.sample()
	s.walk()
	result := s.result
	if f := result.Failure; f != nil {
		result.Failure = s.replay(f.Schedule).Failure
		if result.Failure == nil {
			panic("mc: the harness is not deterministic: this happened once and not again: " + f.Reason)
		}
	}
	return result
}

// exhaust makes all runs within the bound on preemptions, those with fewest first.
func (s *search) exhaust() {
	for s.bound = 0; s.bound <= s.config.Preemptions; s.bound++ {
		for more := true; more; more = s.advance() {
			if s.run(); s.result.Failure != nil {
				return
			}
		}
	}
}

// sample makes runs with one preemption more than the bound, at moments that are spread over the run.
func (s *search) sample() {
	s.bound = s.config.Preemptions + 1
	s.sampling = true
	for i := 0; i < s.config.Sampled && s.result.Failure == nil; i++ {
		s.random = rand.New(rand.NewPCG(s.config.Seed+1, uint64(i)))
		s.run()
	}
	s.sampling = false
}

// walk makes random runs, some with many preemptions and some with few.
func (s *search) walk() {
	s.bound = math.MaxInt
	for i := 0; i < s.config.Walks && s.result.Failure == nil; i++ {
		s.random = rand.New(rand.NewPCG(s.config.Seed, uint64(i)))
		s.inertia = [...]float64{0, 0.5, 0.8, 0.95}[i%4]
		s.run()
	}
}

// A search walks the tree of decisions.
type search struct {
	config  Config
	harness func(*Run)
	bound   int // on preemptions
	result  Result

	// Depth first: path[:known] are decisions to be made as before, of which the present run has made depth.
	path         []node
	known, depth int

	random   *rand.Rand // at random, if not nil
	inertia  float64    // the probability that the first option is taken
	sampling bool       // or rather that one without a preemption is taken, so that preemptions last for the whole run

	prescribed Schedule // what to do, if not nil

	scratch []option
	idle    []*coroutine
}

// A node is a decision: its options, and which of them is being explored.
type node struct {
	options []option
	taken   int
}

// run makes one run.
func (s *search) run() *Run {
	s.depth = 0
	r := &Run{search: s}
	if s.prescribed != nil {
		r.tracing, r.names = true, map[uintptr]string{}
	}
	r.execute(s.harness)
	s.result.Runs++
	s.result.Longest = max(s.result.Longest, len(r.schedule))
	s.result.Failure = r.failure
	return r
}

// replay makes the run that the schedule prescribes, and traces it.
func (s *search) replay(schedule Schedule) Result {
	s.bound, s.random, s.prescribed, s.result = math.MaxInt, nil, schedule, Result{}
	r := s.run()
	if r.failure != nil {
		r.failure.Trace = render(r.events)
	}
	return s.result
}

// pick takes the option that is to be explored now. There may be none.
func (s *search) pick(r *Run, options func(to []option) []option) (o option, ok bool) {
	switch {
	case s.prescribed != nil:
		o, ok = s.pickPrescribed(r, options(s.scratch[:0]))
	case s.sampling && s.random != nil:
		o, ok = s.pickSampled(r, options(s.scratch[:0]))
	case s.random != nil:
		o, ok = s.pickRandom(options(s.scratch[:0]))
	default:
		o, ok = s.pickNext(options)
	}
	if ok {
		r.schedule = append(r.schedule, o.id)
		r.preemptions += o.preemptions
		r.spurious += o.spurious
	}
	return o, ok
}

func (s *search) pickNext(options func(to []option) []option) (o option, ok bool) {
	if s.depth == s.known {
		if s.known == len(s.path) {
			s.path = append(s.path, node{})
		}
		n := &s.path[s.known]
		n.options, n.taken = options(n.options[:0]), 0
		if len(n.options) == 0 {
			return o, false
		}
		s.known++
	}
	n := &s.path[s.depth]
	s.depth++
	return n.options[n.taken], true
}

// advance prepares the next run, by taking the next option of the last decision that has one, and reports whether there is.
func (s *search) advance() bool {
	for ; s.known > 0; s.known-- {
		n := &s.path[s.known-1]
		if n.taken++; n.taken < len(n.options) {
			return true
		}
	}
	return false
}

func (s *search) pickRandom(options []option) (o option, ok bool) {
	switch {
	case len(options) == 0:
		return o, false
	case s.random.Float64() < s.inertia:
		return options[0], true
	default:
		return options[s.random.IntN(len(options))], true
	}
}

// pickSampled takes a preemption with such a probability that as many as are left are spread evenly over what is left of a run, if
// that is as long as the longest so far. Otherwise it takes one of the options that cost none.
func (s *search) pickSampled(r *Run, options []option) (o option, ok bool) {
	if len(options) == 0 {
		return o, false
	}
	free := options[:0:0]
	for _, o := range options {
		if o.preemptions == 0 {
			free = append(free, o)
		}
	}
	left := max(1, s.result.Longest-len(r.schedule))
	if len(free) == 0 || len(free) < len(options) && s.random.IntN(left) < s.bound-r.preemptions {
		return options[s.random.IntN(len(options))], true
	}
	return free[s.random.IntN(len(free))], true
}

// pickPrescribed follows the schedule, and takes the first option after its end.
func (s *search) pickPrescribed(r *Run, options []option) (o option, ok bool) {
	n := len(r.schedule)
	switch {
	case len(options) == 0:
		return o, false
	case n >= len(s.prescribed):
		return options[0], true
	}
	for _, o := range options {
		if o.id == s.prescribed[n] {
			return o, true
		}
	}
	r.fail(fmt.Sprintf("the schedule is not one of this harness: decision %d cannot be %d", n, s.prescribed[n]))
	return o, false
}

// borrow returns a coroutine without a job, and giveBack takes it again.
func (s *search) borrow() *coroutine {
	if n := len(s.idle); n > 0 {
		c := s.idle[n-1]
		s.idle = s.idle[:n-1]
		return c
	}
	return newCoroutine()
}

func (s *search) giveBack(c *coroutine) { s.idle = append(s.idle, c) }

func (s *search) close() {
	for _, c := range s.idle {
		c.stop()
	}
}
