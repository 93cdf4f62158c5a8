package sched

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/traceevent"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// tracks turns the events of one scheduler into slices.
//
// Tasks are on the stacks of fibers, and a worker runs one fiber after the other. So a task that waits becomes several slices:
// one for each stretch during which its fiber ran.
type tracks struct {
	trace   *Trace
	process int
	source  *worker.Trace
	pool    *worker.Pool
	procs   map[int]*track
	names   map[uint64]string // of code
}

// A track is what is going on at one executor.
type track struct {
	traceevent.Track
	fiber  uint64              // that runs
	open   map[uint64][]opened // by fiber: the tasks on its stack
	asleep time.Duration       // since when, -1 if it is not
	stolen uint64              // the arrow that leads to the next task, or 0
}

type opened struct {
	category, name string
	since          time.Duration // of this stretch
}

// add gives a scheduler a place in the trace.
func (t *Trace) add(s *Scheduler, source *worker.Trace) *tracks {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	if !t.ended {
		t.w.Process(t.last, fmt.Sprintf("scheduler %d", t.last))
	}
	return &tracks{trace: t, process: t.last, source: source, pool: s.pool, procs: map[int]*track{}, names: map[uint64]string{}}
}

// fetch writes what has happened since the last time. At the end it closes what is open.
func (c *tracks) fetch(end bool) {
	t := c.trace
	t.mu.Lock()
	defer t.mu.Unlock()
	var latest time.Duration
	c.source.Read(func(proc int, events []worker.Event, lost uint64) {
		tr := c.track(proc)
		if lost > 0 && len(events) > 0 && !t.ended {
			clear(tr.open) // what has begun and ended is not known
			tr.asleep = -1
			t.w.Instant(tr.Track, "trace", "events lost", events[0].Time, "events", lost)
		}
		for _, e := range events {
			if !t.ended {
				c.event(tr, e)
			}
			latest = max(latest, e.Time)
		}
	})
	if t.ended {
		return
	}
	if end {
		now := max(latest, worker.TraceClock())
		for _, tr := range c.procs {
			c.pause(tr, now)
			if tr.asleep >= 0 {
				t.w.Slice(tr.Track, "idle", "parked", tr.asleep, now)
			}
		}
	}
	_ = t.w.Flush() // the writer keeps the error for Close
}

func (c *tracks) track(proc int) *track {
	tr := c.procs[proc]
	if tr == nil {
		tr = &track{Track: traceevent.Track{Process: c.process, Thread: proc + 1}, open: map[uint64][]opened{}, asleep: -1}
		c.procs[proc] = tr
		if !c.trace.ended {
			c.trace.w.Thread(tr.Track, c.pool.ProcName(proc))
		}
	}
	return tr
}

func (c *tracks) event(tr *track, e worker.Event) {
	w := c.trace.w
	switch e.Kind {
	case worker.EventTask:
		c.begin(tr, e, "task", c.codeName(e.A))
	case worker.EventTyped:
		c.begin(tr, e, "task", strings.TrimPrefix(c.source.Type(e.A).String(), "*"))
	case worker.EventStolen:
		c.begin(tr, e, "fork", c.codeName(e.A))
	case worker.EventEnd:
		c.resume(tr, e.B, e.Time)
		if n := len(tr.open[e.B]) - 1; n >= 0 {
			o := tr.open[e.B][n]
			w.Slice(tr.Track, o.category, o.name, o.since, e.Time)
			if tr.open[e.B] = tr.open[e.B][:n]; n == 0 {
				delete(tr.open, e.B)
			}
		}
	case worker.EventSwitch:
		c.resume(tr, e.B, e.Time)
	case worker.EventSteal:
		c.trace.flows++
		tr.stolen = c.trace.flows
		w.FlowStart(c.track(int(e.A)).Track, "steal", tr.stolen, e.Time)
	case worker.EventPark:
		c.pause(tr, e.Time)
		tr.asleep = e.Time
	case worker.EventUnpark:
		if tr.asleep >= 0 {
			w.Slice(tr.Track, "idle", "parked", tr.asleep, e.Time)
			tr.asleep = -1
		}
	case worker.EventPoll:
		w.Instant(tr.Track, "poll", "poll", e.Time, "", 0)
	}
}

func (c *tracks) begin(tr *track, e worker.Event, category, name string) {
	c.resume(tr, e.B, e.Time)
	tr.open[e.B] = append(tr.open[e.B], opened{category, name, e.Time})
	if tr.stolen != 0 {
		c.trace.w.FlowEnd(tr.Track, "steal", tr.stolen, e.Time)
		tr.stolen = 0
	}
}

// resume makes a fiber the one that runs.
func (c *tracks) resume(tr *track, fiber uint64, now time.Duration) {
	if tr.fiber == fiber {
		return
	}
	c.pause(tr, now)
	tr.fiber = fiber
	for i := range tr.open[fiber] {
		tr.open[fiber][i].since = now
	}
}

// pause ends the slices of the running fiber's tasks.
func (c *tracks) pause(tr *track, now time.Duration) {
	for _, o := range tr.open[tr.fiber] {
		c.trace.w.Slice(tr.Track, o.category, o.name, o.since, now)
	}
	tr.fiber = 0
}

// codeName returns the name of the function whose code begins at an address, without the directories of its package.
func (c *tracks) codeName(address uint64) string {
	name, ok := c.names[address]
	if !ok {
		if f := runtime.FuncForPC(uintptr(address)); f != nil {
			name = short(f.Name())
		}
		c.names[address] = name
	}
	return name
}

// short drops the directories of packages from a function's name, also from its type arguments.
func short(name string) string {
	b := make([]byte, 0, len(name))
	path := 0 // where in b the current path begins
	for i := range len(name) {
		switch c := name[i]; c {
		case '/':
			b = b[:path]
		case '[', ']', ',', '*', '(', ')', ' ':
			b = append(b, c)
			path = len(b)
		default:
			b = append(b, c)
		}
	}
	return string(b)
}
