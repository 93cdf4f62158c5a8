package mc

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// A Run is one execution of the harness. The harness sets up its data, starts threads and says what must hold in the end.
type Run struct {
	search  *search
	threads []*thread
	next    *thread // whose turn it is; nil when nobody can run
	finally func()
	clock   time.Duration

	schedule    Schedule // the decisions so far
	preemptions int      // spent
	spurious    int      // spent

	over    bool // threads that are left must unwind
	failure *Failure

	tracing bool
	events  []event
	names   map[uintptr]string
}

// Go starts a thread. The run is complete when it has ended. A thread may start others.
func (r *Run) Go(name string, f func()) { r.start(name, f, false) }

// Daemon starts a thread that need not end: the run is complete when it sleeps and all that [Run.Go] started have ended.
func (r *Run) Daemon(name string, f func()) { r.start(name, f, true) }

func (r *Run) start(name string, f func(), daemon bool) {
	th := &thread{run: r, id: len(r.threads), name: name, daemon: daemon, chosen: true, coroutine: r.search.borrow()}
	th.coroutine.job = func() { th.main(f) }
	r.threads = append(r.threads, th)
	if running != nil {
		running.chosen = false // Now there is one more that could have the turn.
	}
}

// Finally sets the check that is made when the run is complete, after all threads have stopped.
func (r *Run) Finally(check func()) { r.finally = check }

// Fatalf ends the run as a failure. Like panic, it does not return.
func (r *Run) Fatalf(format string, args ...any) {
	panic(failed{fmt.Sprintf(format, args...)})
}

// Name makes traces call what the pointer points to by this name.
func (r *Run) Name(pointer any, name string) {
	if r.tracing {
		r.names[reflect.ValueOf(pointer).Pointer()] = name
	}
}

// Choose returns a number in [0, n). Every one of them is explored.
func (r *Run) Choose(n int) int {
	o, _ := r.search.pick(r, func(to []option) []option {
		for i := range max(n, 1) {
			to = append(to, option{id: i})
		}
		return to
	})
	return o.id
}

// execute makes the run.
func (r *Run) execute(harness func(*Run)) {
	defer r.unwind()
	r.guard(func() { harness(r) })
	r.next = r.decide(nil, cannotGoOn)
	for r.next != nil {
		th := r.next
		r.resume(th)
		if th.state == ended {
			r.next = r.decide(th, cannotGoOn)
		}
	}
	if r.finally != nil && !r.over {
		r.guard(r.finally)
	}
}

// guard calls f, which belongs to the harness and is not a thread.
func (r *Run) guard(f func()) { (&thread{run: r, name: "the harness"}).main(f) }

func (r *Run) resume(th *thread) {
	th.started = true
	running = th
	th.coroutine.resume()
	running = nil
}

// unwind ends the threads that are left.
func (r *Run) unwind() {
	r.over = true
	for _, th := range r.threads {
		for th.started && th.state != ended {
			r.resume(th)
		}
		r.search.giveBack(th.coroutine)
	}
}

func (r *Run) fail(reason string) {
	if r.failure == nil {
		r.failure = &Failure{Reason: reason, Schedule: slices.Clone(r.schedule)}
	}
	r.over = true
}

// rouse ends the dozing of all threads.
func (r *Run) rouse() {
	for _, th := range r.threads {
		th.dozing = false
	}
}

// wake ends up to n sleeps on the word, oldest first.
func (r *Run) wake(word uintptr, n int) (woken int) {
	for ; woken < n; woken++ {
		var oldest *thread
		for _, th := range r.threads {
			if th.state == asleep && th.word == word && (oldest == nil || th.since < oldest.since) {
				oldest = th
			}
		}
		if oldest == nil {
			break
		}
		oldest.state, oldest.woken = ready, true
	}
	return woken
}

// What the thread that had the turn does next.
type situation uint8

const (
	canGoOn    situation = iota // to take the turn from it is a preemption
	yields                      // it is waiting for others to change something
	cannotGoOn                  // it sleeps or has ended
)

// An option is one way to go on from a decision, and what it adds to the run's account.
type option struct {
	id          int // of a thread, or the value of a choice
	preemptions int
	spurious    int
}

// decide returns the thread that takes the next turn, or nil if the run is over.
func (r *Run) decide(current *thread, s situation) *thread {
	if len(r.schedule) >= r.search.config.Steps {
		r.fail(fmt.Sprintf("livelock: not complete after %d operations", len(r.schedule)))
	}
	if r.over {
		return nil
	}
	o, ok := r.search.pick(r, func(to []option) []option { return r.options(to, current, s) })
	if !ok {
		r.settle()
		return nil
	}
	if o.id >= len(r.threads) || r.threads[o.id].state == ended {
		panic("mc: the harness is not deterministic: the same decisions do not lead to the same threads")
	}
	th := r.threads[o.id]
	if th.state == asleep { // Its sleep ends by the timeout or for no reason.
		th.state = ready
		if !r.search.config.Punctual || o.spurious == 0 {
			r.clock = max(r.clock, th.deadline)
		}
	}
	th.dozing = false
	return th
}

// options appends the ways to go on to a list, those that cost nothing first. If nobody can run, there are none.
func (r *Run) options(to []option, current *thread, s situation) []option {
	if s != canGoOn {
		to = r.free(to, current)
	}
	if len(to) == 0 && s != cannotGoOn {
		to = append(to, option{id: current.id})
	}
	if len(to) == 0 {
		return to
	}
	free := to
	for _, th := range r.threads {
		if th.state == ended || slices.ContainsFunc(free, func(o option) bool { return o.id == th.id }) {
			continue
		}
		o := option{id: th.id, preemptions: 1}
		if th.state == asleep && (th.deadline == forever || r.search.config.Punctual) {
			o.spurious = 1
		}
		if r.preemptions+o.preemptions <= r.search.bound && r.spurious+o.spurious <= r.search.config.Spurious {
			to = append(to, o)
		}
	}
	return to
}

// free appends the threads other than current that may run when current gives up its turn: those that have something to
// do; failing them, those that have yielded; failing them, those that sleep with a timeout, if the run is not complete.
func (r *Run) free(to []option, current *thread) []option {
	add := func(can func(*thread) bool) {
		for _, th := range r.threads {
			if th != current && can(th) {
				to = append(to, option{id: th.id})
			}
		}
	}
	if add(func(th *thread) bool { return th.state == ready && !th.dozing }); len(to) > 0 {
		return to
	}
	if add(func(th *thread) bool { return th.state == ready }); len(to) > 0 || r.complete() {
		return to
	}
	current = nil // whose sleep may have a timeout, too
	first := r.firstDeadline()
	add(func(th *thread) bool {
		return th.state == asleep && th.deadline != forever && (th.deadline == first || !r.search.config.Punctual)
	})
	return to
}

// firstDeadline returns when the first sleep runs out.
func (r *Run) firstDeadline() time.Duration {
	first := forever
	for _, th := range r.threads {
		if th.state == asleep && th.deadline != forever && (first == forever || th.deadline < first) {
			first = th.deadline
		}
	}
	return first
}

// complete reports whether all threads have ended that must.
func (r *Run) complete() bool {
	return !slices.ContainsFunc(r.threads, func(th *thread) bool { return !th.daemon && th.state != ended })
}

// settle is called when nobody can run: the run is complete, or deadlocked.
func (r *Run) settle() {
	if r.complete() || r.over {
		return
	}
	var who []string
	for _, th := range r.threads {
		if th.state == asleep {
			who = append(who, fmt.Sprintf("%s sleeps on %s since operation %d", th.name, r.nameOf(th.word), th.since))
		}
	}
	r.fail("deadlock: " + strings.Join(who, ", "))
}
