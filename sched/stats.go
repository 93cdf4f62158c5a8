package sched

import (
	"encoding/json"

	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Distribution is how durations of a scheduler are distributed, with methods Mean, Quantile and Since: see
// [worker.Histogram].
type Distribution = worker.Histogram

// WorkerStats is the part of [Stats] that is about one worker: see [worker.WorkerStats] for its fields.
type WorkerStats = worker.WorkerStats

// Var returns a variable whose value is the snapshot of [Scheduler.Stats] at the time, as JSON, to be published by package expvar:
//
//	expvar.Publish("pinwheel", s.Var())
//
// This package does not import expvar, because that adds a handler to the default server.
func (s *Scheduler) Var() Var { return Var{s} }

// A Var is an expvar.Var; see [Scheduler.Var].
type Var struct{ s *Scheduler }

// String returns the snapshot as JSON.
func (v Var) String() string {
	b, err := json.Marshal(v.s.Stats())
	if err != nil {
		return "null"
	}
	return string(b)
}
