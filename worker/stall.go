package worker

import (
	"bytes"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/callsite"
)

// The watchdog of stuck workers. A task that computes for long without a safe point, or that waits natively for ever, keeps its
// worker from everything else. Twice in the time after which that is to be reported, every executor that runs a task is asked to
// pass a safe point; one that has not in that time is stuck, and reported once, with its stack.
//
// A timer asks, while somebody runs a task. Who is woken sets it, unless it is set; it is not set again when nobody is
// awake. So an idle pool has none.

// A Stall is a report of a worker that is stuck.
type Stall struct {
	Worker  int           // the worker's number; -1 if it is a spare, or a goroutine that runs its own task
	For     time.Duration // how long it has passed no safe point, at least
	Task    string        // the function of the task that runs there, as far as its stack shows
	Started Calls         // where that task was started, if that is known
	Stack   []byte        // of the goroutine, as debug.Stack formats it; nil if it could not be told from others
}

// String describes the stall in a line.
func (s *Stall) String() string {
	who := "a caller of the scheduler"
	if s.Worker >= 0 {
		who = fmt.Sprintf("worker %d", s.Worker)
	}
	return fmt.Sprintf("pinwheel: %s has passed no safe point for %v, in %s", who, s.For.Round(time.Millisecond), s.Task)
}

// LogTo writes the report to a log, as a warning.
func (s *Stall) LogTo(l *slog.Logger) {
	l.Warn(s.String(), "worker", s.Worker, "task", s.Task, "started", s.Started.String(), "stack", string(s.Stack))
}

// A watchdog is the pool's part of it.
type watchdog struct {
	after  time.Duration // 0 for never
	report func(*Stall)
	set    atom.Uint32 // whether the timer is
	timer  *time.Timer // guarded by the pool's mutex
}

// An ask is what the watchdog knows of an executor.
type ask struct {
	at       time.Duration // when it was asked; 0 if it has not been
	reported bool
}

// watchdogOn sets the timer. For those who begin to run tasks.
func (p *Pool) watchdogOn() {
	d := &p.watchdog
	if d.after == 0 || d.set.Load() != 0 || !d.set.CompareAndSwap(0, 1) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping.Load() {
		return
	}
	if d.timer == nil {
		d.timer = time.AfterFunc(d.after/2, p.askAll)
	} else {
		d.timer.Reset(d.after / 2)
	}
}

// watchdogOff ends it for good. The pool must be stopping.
func (p *Pool) watchdogOff() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := &p.watchdog; d.timer != nil {
		d.timer.Stop()
	}
}

// askAll is what the timer does.
func (p *Pool) askAll() {
	now := atom.Now()
	for i := range int(p.procsUsed.Load()) {
		if v := p.procs[i].Load(); v != nil {
			p.ask(v, now)
		}
	}
	p.watchdog.set.Store(0)
	if s := p.state.Load(); awake(s) != 0 || visits(s) != 0 { // after that: the mirror image of watchdogOn
		p.watchdogOn()
	}
}

func (p *Pool) ask(v *proc, now time.Duration) {
	a := &v.ask
	switch {
	case v.duty.Load() == offDuty:
		*a = ask{}
	case a.at == 0 || v.wanted.Load()&wantSign == 0:
		*a = ask{at: now}
		v.request(wantSign)
	case now-a.at >= p.watchdog.after && !a.reported:
		a.reported = true
		p.stalls.Add(1)
		p.watchdog.report(v.stall(now - a.at))
	}
}

func (v *proc) stall(d time.Duration) *Stall {
	s := &Stall{Worker: -1, For: d, Task: "a task"}
	if v.id < v.pool.size {
		s.Worker = v.id
	}
	f := v.cur.Load()
	if f == nil {
		return s
	}
	if pc := callsite.Site(f.site.Load()).PC(); pc != 0 {
		s.Started = Calls{pc}
	}
	if s.Stack = stackOf(f); s.Stack != nil {
		s.Task = taskOn(s.Stack, s.Task)
	}
	return s
}

const mostStacks = 8 << 20 // bytes of all stacks that are searched for one

// stackOf returns the stack of a fiber's goroutine. It takes the stacks of all, and knows the one by the address of the fiber,
// which is an argument of the function at its bottom. The world is stopped meanwhile.
func stackOf(f *fiber) []byte {
	mark := fmt.Appendf(nil, "worker.(*fiber).main(%p", f)
	for size := 64 << 10; ; size *= 4 {
		buf := make([]byte, size)
		n := runtime.Stack(buf, true)
		if n == size && size < mostStacks {
			continue
		}
		for stack := range bytes.SplitSeq(buf[:n], []byte("\n\n")) {
			if bytes.Contains(stack, mark) {
				return bytes.Clone(stack)
			}
		}
		return nil
	}
}

// taskOn returns the name of the function that a task on the stack began with: the outermost that is not the scheduler's.
func taskOn(stack []byte, otherwise string) string {
	name := otherwise
	for line := range strings.Lines(string(stack)) {
		line = strings.TrimSpace(line)
		end := strings.LastIndexByte(line, '(')
		if end < 0 || strings.HasPrefix(line, "/") || strings.HasPrefix(line, "created by ") {
			continue
		}
		switch fn := line[:end]; {
		case strings.HasPrefix(fn, module+"worker."), strings.HasPrefix(fn, module+"sched.(*"), strings.HasPrefix(fn, "iter."):
		default:
			name = fn
		}
	}
	return name
}

const module = "github.com/pinwheel-sched/pinwheel/"
