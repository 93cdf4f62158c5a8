package sched

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/internal/victim"
	"github.com/pinwheel-sched/pinwheel/netpoll"
	"github.com/pinwheel-sched/pinwheel/timer"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// An Option of [New].
type Option func(*config) error

// config is what a scheduler is made from: the settings in force.
type config struct {
	values  map[string]*value
	noEnv   bool
	onPanic func(*PanicError)
	onStall func(*Stall)
	trace   *Trace
	logger  *slog.Logger

	maxWorkers int // 0 if it is not set
	spares     int // workers that can be stood in for: see worker.Config
}

// WithWorkers sets the number of workers: how many tasks compute at once, 1 to 4096. The default is the number of CPUs that
// the process may use, cut by its cgroup's quota.
func WithWorkers(n int) Option { return with("PINWHEEL_WORKERS", fmt.Sprint(n)) }

// WithAffinity sets where workers are pinned. With [affinity.Auto], a worker that parks very often, as those of a server do, lets go of its
// CPU until it parks rarely again; with the other policies it stays where it was put.
func WithAffinity(p affinity.Policy) Option { return with("PINWHEEL_AFFINITY", p.String()) }

// WithSpin sets how long a worker that finds no work goes on looking before it parks; 0 parks at once.
func WithSpin(spin time.Duration) Option { return with("PINWHEEL_SPIN", spin.String()) }

// WithSteal sets whom a worker without work steals from first.
func WithSteal(p StealPolicy) Option { return with("PINWHEEL_STEAL", p.String()) }

// A StealPolicy says whom a worker without work steals from first.
type StealPolicy = victim.Policy

const (
	// StealNear looks at CPUs that share a core first, then a cache, then a NUMA node; at other nodes less often. It makes no
	// difference to workers that are not pinned.
	StealNear = victim.Near
	// StealRandom looks at all CPUs alike.
	StealRandom = victim.Random
)

// WithTick sets the resolution of timers, 50 us to 1 s. The default is 100 us; what is used is the next smaller power of two of
// nanoseconds.
func WithTick(tick time.Duration) Option { return with("PINWHEEL_TICK", tick.String()) }

// WithFiles sets how files are read when what is wanted is not in memory: [FilesAuto], [FilesURing] or [FilesThreads].
func WithFiles(b netpoll.Backend) Option { return with("PINWHEEL_FILES", b.String()) }

// WithKeepGOMAXPROCS leaves GOMAXPROCS alone. Otherwise it is raised to one more than the workers while the scheduler runs,
// so that ordinary goroutines get their turn while all workers compute.
func WithKeepGOMAXPROCS() Option { return with("PINWHEEL_GOMAXPROCS", "keep") }

// WithoutEnvironment makes New ignore the environment.
func WithoutEnvironment() Option {
	return func(c *config) error { c.noEnv = true; return nil }
}

// WithPanicHandler sets what is called, on a worker, with panics of tasks that nobody awaits. Without it they end the
// process, as a goroutine's would.
func WithPanicHandler(f func(*PanicError)) Option {
	return func(c *config) error {
		if f == nil {
			return fmt.Errorf("pinwheel: WithPanicHandler(nil): the handler must not be nil")
		}
		c.onPanic = f
		return nil
	}
}

// A Stall is a report of a worker that is stuck: see [WithStall].
type Stall = worker.Stall

// WithStall sets after how long a worker is reported whose task passes no safe point (a fork, a join, a step of a loop, [Yield], a
// wait); 0 for never. Such a worker runs nothing else meanwhile. The default is a second. It is reported once, with the task's
// function, where that was started, and its stack.
func WithStall(after time.Duration) Option { return with("PINWHEEL_STALL", after.String()) }

// WithStallHandler sets what is called with these reports, on a goroutine of its own. Without it they are logged as warnings, to
// the logger of [WithLogger] or the default one.
func WithStallHandler(f func(*Stall)) Option {
	return func(c *config) error {
		if f == nil {
			return fmt.Errorf("pinwheel: WithStallHandler(nil): the handler must not be nil")
		}
		c.onStall = f
		return nil
	}
}

// with sets a variable as the environment would.
func with(name, text string) Option {
	return func(c *config) error { return c.set(name, text, "option") }
}

// configure works out the settings. With an error it returns those that are left when what is wrong is left out.
func configure(opts []Option) (*config, error) {
	c := &config{values: map[string]*value{}, spares: worker.DefaultSpares}
	for _, v := range variables {
		c.values[v.name] = &value{variable: v, source: "default"}
	}
	var first error
	try := func(err error) {
		if first == nil {
			first = err
		}
	}
	for _, o := range opts {
		if o == nil {
			try(errors.New("pinwheel: a nil Option"))
			continue
		}
		try(o(c))
	}
	if !c.noEnv {
		c.readEnvironment(try)
	}
	return c, first
}

// build makes the scheduler.
func (c *config) build() (*Scheduler, error) {
	top, err := affinity.Read()
	if err != nil {
		return nil, err
	}
	policy := affinity.Auto
	if v := c.values["PINWHEEL_AFFINITY"]; v.parsed != nil {
		policy = v.parsed.(affinity.Policy)
	}
	workers := top.Workers(policy)
	if v := c.values["PINWHEEL_WORKERS"]; v.parsed != nil {
		workers = v.parsed.(int)
	}
	workers = min(workers, worker.MaxWorkers)
	cpus, err := affinity.Map(top, policy, workers)
	if err != nil {
		v := c.values["PINWHEEL_AFFINITY"]
		return nil, fmt.Errorf("pinwheel: %s=%q: %w", v.name, v.text, err)
	}
	spin := worker.DefaultSpin
	if v := c.values["PINWHEEL_SPIN"]; v.parsed != nil {
		spin = v.parsed.(time.Duration)
	}
	tick := timer.DefaultTick
	if v := c.values["PINWHEEL_TICK"]; v.parsed != nil {
		tick = v.parsed.(time.Duration)
	}
	files := netpoll.Auto
	if v := c.values["PINWHEEL_FILES"]; v.parsed != nil {
		files = v.parsed.(netpoll.Backend)
	}
	trace, endTrace := c.trace, func() error { return nil }
	if v := c.values["PINWHEEL_TRACE"]; v.parsed != nil && trace == nil {
		if trace, endTrace, err = openTrace(v.text); err != nil {
			return nil, err
		}
	}
	stall := time.Second
	if v := c.values["PINWHEEL_STALL"]; v.parsed != nil {
		stall = v.parsed.(time.Duration)
	}
	onStall := c.onStall
	if onStall == nil && c.logger != nil {
		onStall = func(s *Stall) { s.LogTo(c.logger) }
	}
	victims := victim.Near
	if v := c.values["PINWHEEL_STEAL"]; v.parsed != nil {
		victims = v.parsed.(victim.Policy)
	}
	fixed := c.values["PINWHEEL_WORKERS"].parsed != nil
	limit := c.maxWorkers
	if limit == 0 && !fixed {
		limit = top.Online.Len()
	}
	s := &Scheduler{
		ended: endTrace, logger: c.logger,
		share: share{
			policy: policy, fixed: fixed, allowed: top.Allowed, quota: top.Limits.Quota,
			check: checkShare, read: func() (*affinity.Topology, error) { return affinity.Read() },
		},
	}
	var pool *worker.Pool
	pool, err = worker.New(worker.Config{
		Workers:        workers,
		MaxWorkers:     limit,
		Watch:          s.watch,
		CPUs:           cpus,
		Loosen:         policy == affinity.Auto,
		Topology:       top,
		Victims:        victims,
		Spin:           spin,
		Spares:         c.spares,
		KeepGOMAXPROCS: c.values["PINWHEEL_GOMAXPROCS"].text == "keep",
		OnPanic:        c.onPanic,
		Stall:          stall,
		OnStall:        onStall,
		Loop:           func() (worker.Loop, error) { return newEvents(pool, tick, files) },
	})
	if err != nil {
		return nil, errors.Join(err, endTrace())
	}
	c.fill("PINWHEEL_WORKERS", fmt.Sprint(workers))
	c.fill("PINWHEEL_AFFINITY", policy.String())
	c.fill("PINWHEEL_SPIN", spin.String())
	s.pool, s.settings = pool, c.settings()
	s.log(slog.LevelInfo, "scheduler made", "workers", workers, "policy", policy, "allowed", top.Allowed, "quota", top.Limits.Quota)
	if trace != nil {
		end, err := s.join(trace)
		if err != nil {
			return nil, errors.Join(err, endTrace())
		}
		s.ended = func() error { end(); return endTrace() }
	}
	if c.values["PINWHEEL_DISPLAY_ENV"].text == "1" {
		s.display(cpus)
	}
	return s, nil
}
