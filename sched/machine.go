package sched

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// WithMaxWorkers sets the number of workers that [Scheduler.Resize] may ask for, up to 4096. The default is the number of workers if
// that was set, and otherwise the number of CPUs that are online, so that the scheduler can grow when it is allowed more of them.
func WithMaxWorkers(n int) Option {
	return func(c *config) error {
		if n < 1 || n > worker.MaxWorkers {
			return fmt.Errorf("pinwheel: WithMaxWorkers(%d): want 1 to %d", n, worker.MaxWorkers)
		}
		c.maxWorkers = n
		return nil
	}
}

// WithLogger has the life of the scheduler logged: its beginning and end, changes of its workers, threads that cannot be pinned, and
// workers that are stuck. Nothing is logged about tasks. Without it, nothing is logged but workers that are stuck ([WithStallHandler]).
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return errors.New("pinwheel: WithLogger(nil): the logger must not be nil")
		}
		c.logger = l
		return nil
	}
}

// A share is what a scheduler knows of the part of the machine that it may use.
type share struct {
	policy affinity.Policy
	fixed  bool                            // the number of workers was set
	check  func() (affinity.Limits, error) // the cpuset is what is allowed
	read   func() (*affinity.Topology, error)

	allowed affinity.Set
	quota   float64
}

// Resize changes the number of workers, to [Scheduler.MaxWorkers] at most, and places them anew by the policy of the scheduler.
// It does not wait. If there are to be fewer workers, tasks that have begun on a worker that is given up go on there until they
// end. After Resize the number of workers does not follow the machine any more (see [Scheduler.Adapt]). Resize returns an error
// if n is out of range, and [ErrClosed] if s has ended.
func (s *Scheduler) Resize(n int) error {
	s.moving.Lock()
	defer s.moving.Unlock()
	if n < 1 || n > s.pool.Limit() {
		return fmt.Errorf("pinwheel: Resize(%d): want 1 to %d", n, s.pool.Limit())
	}
	s.share.fixed = true
	top, err := s.share.read()
	if err != nil {
		return err
	}
	return s.move(top, n)
}

// MaxWorkers returns the largest number that [Scheduler.Resize] takes.
func (s *Scheduler) MaxWorkers() int { return s.pool.Limit() }

// Adapt looks whether the CPUs that the process may use, or its CPU quota, have changed. If so, it changes the number of
// workers, unless that was set, pins them anew, and returns true. A scheduler in use calls it by itself every few seconds. With
// fewer CPUs there are fewer workers, at least one; a worker that cannot be pinned goes on unpinned. The error is one of
// pinning, or of reading the limits; errors of pinning are logged as well.
//
// It reads some dozens of small files.
func (s *Scheduler) Adapt() (changed bool, err error) {
	s.moving.Lock()
	defer s.moving.Unlock()
	p := &s.share
	now, err := p.check()
	if err != nil || now.CPUs == p.allowed && now.Quota == p.quota {
		return false, err
	}
	top, err := p.read()
	if err != nil {
		return false, err
	}
	n := s.pool.Size()
	if !p.fixed {
		n = min(top.Workers(p.policy), s.pool.Limit())
	}
	s.log(slog.LevelInfo, "the machine has changed", "allowed", top.Allowed, "was", p.allowed, "quota", top.Limits.Quota, "workers", n)
	return true, s.move(top, n)
}

// move gives n workers their places.
func (s *Scheduler) move(top *affinity.Topology, n int) error {
	p := &s.share
	p.allowed, p.quota = top.Allowed, top.Limits.Quota
	cpus, err := affinity.Map(top, p.policy, n)
	if err != nil { // CPUs of a list are gone: those that are left are used, or none is pinned
		s.log(slog.LevelWarn, "workers are not pinned as they should be", "error", err)
		cpus = rest(top, p.policy, n)
	}
	pinned := s.pool.Move(top, cpus)
	switch {
	case errors.Is(pinned, ErrClosed):
		return pinned
	case errors.Is(pinned, errors.ErrUnsupported):
		pinned = nil // as it was from the beginning
	case pinned != nil:
		s.log(slog.LevelWarn, "a worker cannot be pinned", "error", pinned)
	}
	if err := s.pool.Resize(n); err != nil {
		return err
	}
	s.log(slog.LevelInfo, "workers placed", "workers", n, "policy", p.policy)
	return pinned
}

// rest places workers on the CPUs of a list that are left.
func rest(top *affinity.Topology, p affinity.Policy, n int) []affinity.Set {
	set, err := affinity.ParseList(p.String())
	if left := set.And(top.Allowed); err == nil && !left.IsEmpty() {
		if cpus, err := affinity.Map(top, affinity.List(left), n); err == nil {
			return cpus
		}
	}
	return make([]affinity.Set, n)
}

// checkShare reads what may have changed, and no more.
func checkShare() (affinity.Limits, error) {
	allowed, err := affinity.Allowed()
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return affinity.Limits{}, err
	}
	limits, err := affinity.ReadLimits()
	limits.CPUs = allowed
	return limits, err
}

// watch is what the pool calls every few seconds.
func (s *Scheduler) watch() { _, _ = s.Adapt() } // it has logged what is wrong

func (s *Scheduler) log(level slog.Level, message string, args ...any) {
	if s.logger != nil {
		s.logger.Log(context.Background(), level, "pinwheel: "+message, args...)
	}
}
