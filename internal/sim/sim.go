// Package sim runs the idle protocol of package worker — whom to steal from, when to search and to sleep, whom to wake — in simulated
// time, on machines that nobody here has.
//
// The choice of victims and of whom to wake is not a model: it is package victim, the code that workers run. The rest is a
// model of worker/search.go and worker/idle.go: a worker pops its own deque; when that is empty it searches, unless half of the
// workers do already, round by round with pauses between them, for a spin time that adapts; then it sleeps. Who makes work visible
// wakes one sleeper unless somebody searches, and the last searcher that finds something wakes the next.
//
// What a distance costs is a table of how long a cache line takes to come from there ([Costs]). A look at a victim's deque is one
// line, a steal four. A stolen job drags its data along, line by line. A look also takes the line away from its owner, which
// pays for fetching it back at its next push or pop.
package sim

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/internal/victim"
)

// Costs are what things take.
type Costs struct {
	Core, L2, L3, Node time.Duration // for a cache line to come from there
	Remote, Farther    time.Duration // from the nearest other node, and how much more from each next ring
	Data               int           // lines that a stolen job drags along, of which four come at a time
	Pop                time.Duration // an operation on one's own deque
	Pause              time.Duration // between two rounds
	Spin               time.Duration // as PINWHEEL_SPIN
	Wake               time.Duration // from the call to the sleeper's first step
	Call               time.Duration // of the waker
}

// Typical are costs as they have been published for servers with two and more sockets, rounded.
var Typical = Costs{
	Core: 10 * time.Nanosecond, L2: 20 * time.Nanosecond, L3: 40 * time.Nanosecond, Node: 110 * time.Nanosecond,
	Remote: 220 * time.Nanosecond, Farther: 80 * time.Nanosecond, Data: 64, Pop: 8 * time.Nanosecond, Pause: 300 * time.Nanosecond,
	Spin: 50 * time.Microsecond, Wake: 20 * time.Microsecond, Call: 2 * time.Microsecond,
}

func (c Costs) line(r affinity.Ring) time.Duration {
	switch {
	case r >= affinity.Remote:
		return c.Remote + time.Duration(r-affinity.Remote)*c.Farther
	case r == affinity.SameCore, r == affinity.SameCPU:
		return c.Core
	case r == affinity.SameL2:
		return c.L2
	case r == affinity.SameL3:
		return c.L3
	}
	return c.Node
}

// A Result is what a run came to.
type Result struct {
	Policy       victim.Policy         `json:"victims"`
	Load         string                `json:"load"`
	Workers      int                   `json:"workers"`
	Jobs         int                   `json:"jobs"`
	Time         time.Duration         `json:"time_ns"`     // from the first job's beginning to the last one's end, rests included
	Utilisation  float64               `json:"utilisation"` // the part of all workers' time in which jobs ran; fetching their data is not running
	Steals       int                   `json:"steals"`
	RemoteSteals int                   `json:"remote_steals"` // from another node
	ByRing       map[affinity.Ring]int `json:"steals_by_ring"`
	Looks        int                   `json:"looks"` // at victims' deques
	RemoteLooks  int                   `json:"remote_looks"`
	Wakes        int                   `json:"wakes"`

	// From when a worker had no job any more to when it had one, for steals; sleep is not counted.
	StealMean time.Duration `json:"steal_mean_ns"`
	StealP99  time.Duration `json:"steal_p99_ns"`
}

// A job runs for a time and has children, which become visible at its end.
type job struct {
	seed uint64
	size int // leaves below it
}

type state uint8

const (
	parked state = iota
	waking
	running
	searching
)

type cpu struct {
	id        int
	order     *victim.Order
	state     state
	jobs      []job // the oldest first
	current   job
	taken     bool          // some thief has its deque's line
	from      affinity.Ring // where that is
	rng       *rand.Rand
	round     victim.Round
	number    int           // of the round
	looked    bool          // the round has begun
	begun     time.Duration // when the search began
	deadline  time.Duration
	spin      time.Duration
	fruitless bool
	every     bool // this round is the last, and leaves nothing out
}

type sim struct {
	Costs
	policy    victim.Policy
	now       time.Duration
	events    events
	cpus      []*cpu
	idle      []uint64
	searching int
	awake     int
	left      int // jobs that have not ended
	load      load
	useful    time.Duration
	latencies []time.Duration
	Result
}

// Run runs a load on a machine with a worker on each place.
func Run(m victim.Machine, policy victim.Policy, name string, costs Costs, seed uint64) (Result, error) {
	l, err := newLoad(name, len(m.CPUs), seed)
	if err != nil {
		return Result{}, err
	}
	n := len(m.CPUs)
	s := &sim{Costs: costs, policy: policy, load: l, idle: make([]uint64, (n+63)/64)}
	s.Result = Result{Policy: policy, Load: name, Workers: n, ByRing: map[affinity.Ring]int{}}
	for i := range n {
		c := &cpu{id: i, order: victim.NewOrder(m, policy, i), rng: rand.New(rand.NewPCG(seed, uint64(i))), spin: costs.Spin}
		s.cpus = append(s.cpus, c)
		s.idle[i/64] |= 1 << (i % 64)
	}
	for s.nextRegion() {
		for s.left > 0 {
			e := heap.Pop(&s.events).(event)
			s.now = e.at
			s.step(e.cpu)
		}
	}
	s.Time = s.now
	s.Utilisation = float64(s.useful) / float64(s.Time) / float64(n)
	slices.Sort(s.latencies)
	if k := len(s.latencies); k > 0 {
		var sum time.Duration
		for _, l := range s.latencies {
			sum += l
		}
		s.StealMean, s.StealP99 = sum/time.Duration(k), s.latencies[k*99/100]
	}
	return s.Result, nil
}

// nextRegion starts the next root job, on the worker that the load says, after its gap.
func (s *sim) nextRegion() bool {
	r, ok := s.load.next()
	if !ok {
		return false
	}
	s.now += r.gap
	s.left++
	c := s.cpus[r.worker]
	c.jobs = append(c.jobs, r.root)
	if c.state == parked {
		s.wake(c)
	}
	return true
}

func (s *sim) at(c *cpu, after time.Duration) { heap.Push(&s.events, event{s.now + after, c}) }

// step is what a worker does when something that it did is over.
func (s *sim) step(c *cpu) {
	switch c.state {
	case running:
		s.end(c)
	case waking:
		s.startSearch(c)
	case searching:
		s.search(c)
	}
}

// end ends the worker's job, whose children become visible, and takes the next.
func (s *sim) end(c *cpu) {
	children := s.load.children(c.current)
	s.left += len(children) - 1
	cost := s.touch(c)
	c.jobs = append(c.jobs, children...)
	if len(children) > 0 {
		cost += s.notify(c)
	}
	s.next(c, cost)
}

// touch is an operation of a worker on its own deque.
func (s *sim) touch(c *cpu) time.Duration {
	cost := s.Pop
	if c.taken {
		cost += s.line(c.from)
		c.taken = false
	}
	return cost
}

// next takes a job from the worker's own deque, or begins to search.
func (s *sim) next(c *cpu, cost time.Duration) {
	if k := len(c.jobs) - 1; k >= 0 {
		j := c.jobs[k]
		c.jobs = c.jobs[:k]
		s.start(c, j, cost+s.touch(c))
		return
	}
	c.begun = s.now + cost
	if 2*s.searching >= len(s.cpus) && s.searching > 0 {
		s.park(c)
		return
	}
	s.searching++
	s.prepare(c)
	s.at(c, cost)
}

func (s *sim) start(c *cpu, j job, cost time.Duration) {
	c.state, c.current = running, j
	work := s.load.work(j)
	s.useful += work
	s.Jobs++
	s.at(c, cost+work)
}

// startSearch is where a worker begins that was woken: it has been counted as searching.
func (s *sim) startSearch(c *cpu) {
	c.begun = s.now
	s.prepare(c)
	s.search(c)
}

func (s *sim) prepare(c *cpu) {
	c.state, c.number, c.looked, c.every = searching, 0, false, false
	c.deadline = c.begun + c.spin
	if c.fruitless {
		c.deadline = c.begun
	}
}

// looksAtOnce bounds how far a search goes on before others have their turn.
const looksAtOnce = 4

// search is a part of a worker's round.
func (s *sim) search(c *cpu) {
	if len(c.jobs) > 0 { // a region begins here
		s.next(c, s.found(c))
		return
	}
	if !c.looked {
		number := c.number
		if c.every {
			number = victim.Everywhere
		}
		c.round = c.order.Round(number, c.rng.Uint64(), 0, 0)
		c.looked = true
	}
	var cost time.Duration
	for range looksAtOnce {
		id := c.round.Next()
		if id < 0 {
			s.roundOver(c, cost)
			return
		}
		v := s.cpus[id]
		ring := c.order.Distance(id)
		cost += s.line(ring)
		s.Looks++
		if ring >= affinity.Remote {
			s.RemoteLooks++
		}
		v.taken, v.from = true, ring
		if len(v.jobs) == 0 {
			continue
		}
		j := v.jobs[0]
		v.jobs = v.jobs[1:]
		cost += 3*s.line(ring) + time.Duration(s.Data/4)*s.line(ring)
		s.Steals++
		s.ByRing[ring]++
		if ring >= affinity.Remote {
			s.RemoteSteals++
		}
		s.latencies = append(s.latencies, s.now+cost-c.begun)
		if c.number > 0 {
			c.spin = s.Spin
		}
		cost += s.found(c)
		s.start(c, j, cost)
		return
	}
	s.at(c, cost)
}

// found ends a search, and wakes the next if the worker was the last to search and there is more.
func (s *sim) found(c *cpu) time.Duration {
	c.fruitless = false
	if s.searching--; s.searching > 0 {
		return 0
	}
	for _, v := range s.cpus {
		if len(v.jobs) > 0 {
			return s.notify(c)
		}
	}
	return 0
}

func (s *sim) roundOver(c *cpu, cost time.Duration) {
	c.looked = false
	c.number++
	if s.now+cost < c.deadline || !c.every && c.order.Far() {
		c.every = s.now+cost >= c.deadline
		s.at(c, cost+s.Pause)
		return
	}
	c.fruitless = true
	c.spin = max(c.spin/2, s.Spin/16)
	s.searching--
	s.park(c)
}

// park puts a worker to sleep, unless a last look finds something.
func (s *sim) park(c *cpu) {
	for _, v := range s.cpus {
		if len(v.jobs) > 0 && 2*s.searching < len(s.cpus) {
			s.searching++
			s.prepare(c)
			s.at(c, s.line(c.order.Distance(v.id))+s.Pause)
			return
		}
	}
	if c.state != parked {
		s.awake--
	}
	c.state = parked
	s.idle[c.id/64] |= 1 << (c.id % 64)
}

// notify wakes a worker for work that c has made visible, unless somebody will find it anyway.
func (s *sim) notify(c *cpu) time.Duration {
	if victim.Enough(s.searching, len(s.cpus)) || s.awake == len(s.cpus) {
		return 0
	}
	id := -1
	if !c.order.Nearby() {
		id = c.order.Wake(func(word int) uint64 { return s.idle[word] })
	} else {
		for i, v := range s.cpus { // as bitset.take does
			if v.state == parked && s.idle[i/64]>>(i%64)&1 != 0 {
				id = i
				break
			}
		}
	}
	if id < 0 {
		return 0
	}
	s.wake(s.cpus[id])
	return s.Call
}

func (s *sim) wake(c *cpu) {
	s.idle[c.id/64] &^= 1 << (c.id % 64)
	c.state = waking
	s.awake++
	s.searching++
	s.Wakes++
	s.at(c, s.Wake)
}

type event struct {
	at  time.Duration
	cpu *cpu
}

// events are a heap; of those of one time the lowest worker's is first, so that runs are repeatable.
type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].cpu.id < e[j].cpu.id
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}
