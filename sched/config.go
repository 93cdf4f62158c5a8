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
// the process may use, cut by its cgroup's quota. PINWHEEL_WORKERS does the same. Where there are two or more, and tasks block
// natively again and again, up to as many spares compute beside them for a while.
func WithWorkers(n int) Option { return with("WithWorkers", "PINWHEEL_WORKERS", fmt.Sprint(n)) }

// WithAffinity sets where workers are pinned. With [affinity.Auto], the default, a worker that parks very often, as those of a
// server do, lets go of its CPU until it parks rarely again; with the other policies a worker stays where it was put.
// PINWHEEL_AFFINITY does the same.
func WithAffinity(p affinity.Policy) Option {
	return with("WithAffinity", "PINWHEEL_AFFINITY", p.String())
}

// WithSpin sets how long a worker that finds no work goes on looking before it parks, up to 1 s; 0 parks at once. A longer time
// makes the next task begin sooner, at the price of a busy CPU. The default is 50 us. PINWHEEL_SPIN does the same.
func WithSpin(spin time.Duration) Option { return with("WithSpin", "PINWHEEL_SPIN", spin.String()) }

// WithSteal sets whom a worker without work steals from first. The default is [StealNear]. PINWHEEL_STEAL does the same.
func WithSteal(p StealPolicy) Option { return with("WithSteal", "PINWHEEL_STEAL", p.String()) }

// A StealPolicy says whom a worker without work steals from first.
type StealPolicy = victim.Policy

const (
	// StealNear tries the workers first whose CPUs share a core with the thief's, then those that share a cache, then those of
	// the same NUMA node; those of other nodes less often. For workers that are not pinned it is the same as StealRandom.
	StealNear = victim.Near
	// StealRandom tries all workers in random order.
	StealRandom = victim.Random
)

// WithTick sets the resolution of timers, 50 us to 1 s. The default is 100 us. PINWHEEL_TICK does the same.
func WithTick(tick time.Duration) Option { return with("WithTick", "PINWHEEL_TICK", tick.String()) }

// WithFiles sets how files are read when what is wanted is not in memory: [FilesAuto], the default, [FilesURing] or
// [FilesThreads]. PINWHEEL_FILES does the same.
func WithFiles(b netpoll.Backend) Option { return with("WithFiles", "PINWHEEL_FILES", b.String()) }

// WithKeepGOMAXPROCS leaves GOMAXPROCS alone. Otherwise it is raised to one more than the workers while the scheduler runs,
// so that ordinary goroutines get their turn while all workers compute. PINWHEEL_GOMAXPROCS=keep does the same.
func WithKeepGOMAXPROCS() Option { return with("WithKeepGOMAXPROCS", "PINWHEEL_GOMAXPROCS", "keep") }

// WithoutEnvironment makes New ignore the environment: for tests, and for libraries that must not depend on it.
func WithoutEnvironment() Option {
	return func(c *config) error { c.noEnv = true; return nil }
}

// WithPanicHandler sets what is called with panics that nobody awaits: those of functions that [AfterFunc] and [Submit] call, and
// of handlers of [Serve] and [ServeReadable]. It is called on a worker, possibly at the same time for several panics. Without it
// such a panic ends the process, as a goroutine's would. The panic of a task of [Go] is never abandoned: it rejects the
// future, whether somebody awaits that or not (see [future.OnUnobserved]).
func WithPanicHandler(f func(*PanicError)) Option {
	return func(c *config) error {
		if f == nil {
			return fmt.Errorf("pinwheel: WithPanicHandler(nil): the handler must not be nil")
		}
		c.onPanic = f
		return nil
	}
}

// A Stall is a report of a worker that is stuck: see [WithStall], and [worker.Stall] for its fields.
type Stall = worker.Stall

// WithStall sets after how long a worker is reported whose task passes no safe point (a fork, a join, a step of a loop, [Yield], a
// wait); 0 for never. Such a worker runs nothing else meanwhile. The default is a second. It is reported once, with the task's
// function, where that was started, and its stack. PINWHEEL_STALL does the same.
func WithStall(after time.Duration) Option {
	return with("WithStall", "PINWHEEL_STALL", after.String())
}

// WithStallHandler sets what is called with the reports of [WithStall], on a goroutine of its own. Without it they are logged as
// warnings, to the logger of [WithLogger] or, without one, to the default logger of package slog.
func WithStallHandler(f func(*Stall)) Option {
	return func(c *config) error {
		if f == nil {
			return fmt.Errorf("pinwheel: WithStallHandler(nil): the handler must not be nil")
		}
		c.onStall = f
		return nil
	}
}

// with is an option that sets a variable as the environment would.
func with(option, name, text string) Option {
	return func(c *config) error {
		if err := c.set(name, text, "option"); err != nil {
			return fmt.Errorf("pinwheel: %s(%s): want %s", option, text, c.values[name].accepted)
		}
		return nil
	}
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
		if v.source == "option" {
			return nil, fmt.Errorf("pinwheel: WithAffinity(%s): %w", v.text, err)
		}
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
