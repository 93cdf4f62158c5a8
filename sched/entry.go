package sched

import "github.com/pinwheel-sched/pinwheel/worker"

// Entry returns the address of the code of a task's function, by which traces name the task.

func (r *run[T]) Entry() uintptr { return worker.Entry(r.fn) }

func (g *async[T]) Entry() uintptr { return worker.Entry(g.fn) }

func (m *member) Entry() uintptr { return worker.Entry(m.fn) }

func (c *caller) Entry() uintptr { return worker.Entry(c.fs[0]) }

func (m *resultMember[T]) Entry() uintptr { return worker.Entry(m.fn) }

func (g *queued[T]) Entry() uintptr { return worker.Entry(g.fn) }
