//go:build mc

package worker

import (
	"context"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/gid"
	"github.com/pinwheel-sched/pinwheel/internal/mc"
)

// newStage returns a pool whose workers are awake and have no threads: an exploration plays their parts.
func newStage(workers int) *Pool {
	p, err := New(Config{Workers: workers, Spares: 2})
	if err != nil {
		panic(err)
	}
	p.spares.watch.Store(watchNever) // an exploration plays its part, too
	for _, w := range p.workers {
		p.idle.remove(w.id)
		w.parked.Store(asleep)
		w.duty.Store(onDuty)
		w.init(w.id)
		p.procs[w.id].Store(&w.proc)
	}
	p.state.Store(uint64(workers)*oneAwake + uint64(p.withheld())*oneGuest)
	return p
}

// someRuns is how many runs with three preemptions are made where all of them would be too many for CI: it is the budget of a
// harness there, about two seconds. With it, each bug that the mutants plant is found, as it is with two.
const someRuns = 20_000

// A play is one run of the idle protocol: workers that take jobs, park when there are none, and end when all are done.
type play struct {
	pool *Pool
	jobs []Job
	done atom.Uint32
	ran  []int

	firstWaits bool // the first job ends after another
}

func newPlay(workers, jobs int) *play {
	return &play{pool: newStage(workers), jobs: make([]Job, jobs), ran: make([]int, jobs)}
}

func (g *play) submit(i int) {
	g.pool.injector.push(&g.jobs[i])
	g.pool.notify(nil)
}

// work is what find does, without the spinning.
func (g *play) work(w *worker) {
	for {
		w.comeBack()
		if w.mustRetire() {
			w.retire()
			continue
		}
		j, busy := w.local(), false
		if j == nil && (w.isSearching || g.pool.beginSearch()) {
			w.isSearching = true
			if j, _ = w.stealAny(0); j == nil {
				j, busy = g.pool.injector.pop(w.own)
			}
		}
		switch {
		case busy, j == nil && g.pool.anyPrompt(): // another worker is taking it
			atom.Yield()
			continue
		case j == nil:
			if due, ready := w.turn(atom.Now()); !due && !ready {
				w.park()
			}
			continue
		}
		w.endSearch()
		for i := range g.jobs {
			if j == &g.jobs[i] {
				g.ran[i]++
				for i == 0 && g.firstWaits && g.done.Load() == 0 {
					atom.Yield()
				}
			}
		}
		g.done.Add(1)
		atom.FutexWake(&g.done, 9)
	}
}

func (g *play) start(r *mc.Run) {
	for _, w := range g.pool.workers {
		r.Daemon("worker", func() { g.work(w) }) // it sleeps when all is done
	}
	r.Finally(func() { g.check(r) })
}

func (g *play) check(r *mc.Run) {
	for i, n := range g.ran {
		if n != 1 {
			r.Fatalf("job %d ran %d times; %d are done", i, n, g.done.Load())
		}
	}
}

// (All runs with three preemptions are 3.3 million, and take minutes: MC_PREEMPTIONS=3. They have been made once. In CI some of them
// are.)
func TestExploreParkingAgainstSubmitting(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 2, Sampled: someRuns}, func(r *mc.Run) {
		g := newPlay(2, 2)
		g.start(r)
		r.Go("submitter", func() {
			g.submit(0)
			g.submit(1)
		})
	})
}

func TestExploreTwoSubmitters(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 2, Sampled: someRuns}, func(r *mc.Run) {
		g := newPlay(1, 2)
		g.start(r)
		r.Go("submitter", func() { g.submit(0) })
		r.Go("submitter", func() { g.submit(1) })
	})
}

// A worker takes two jobs from the injector at once, and the one that it runs waits for the other: another worker must not
// park before that can be stolen.
func TestExploreJobsOnTheirWayToADeque(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 2, Sampled: someRuns}, func(r *mc.Run) {
		g := newPlay(2, 2)
		g.firstWaits = true
		for i := range g.jobs {
			g.pool.injector.push(&g.jobs[i])
		}
		g.start(r)
	})
}

// The first of two jobs waits for the second: whoever searches when that is submitted, and finds the first, wakes another for it.
func TestExploreAJobBesideOneThatWasFound(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 1, Sampled: someRuns}, func(r *mc.Run) {
		g := newPlay(2, 2)
		g.firstWaits = true
		g.start(r)
		r.Go("submitter", func() {
			g.submit(0)
			g.submit(1)
		})
	})
}

// A guest holds the only seat while a job is submitted, and gives it up.
func TestExploreAGuestThatLeaves(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		g := newPlay(1, 1)
		g.pool.state.Add(oneGuest + oneVisit)
		g.start(r)
		r.Go("guest", func() { g.pool.leaveSeat(oneGuest + oneVisit) })
		r.Go("submitter", func() { g.submit(0) })
	})
}

// A guest holds the only seat and is blocked natively until a job of its has run: whether its submitter or a worker that parks just then,
// somebody starts the watch, which unseats it. (All runs with three preemptions, 2.8 million, have been made once.)
func TestExploreAGuestThatIsBlocked(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 2, Sampled: someRuns}, func(r *mc.Run) {
		g := newPlay(1, 1)
		p := g.pool
		p.spares.watch.Store(watchEnded)
		p.watching = p.running.Done
		p.state.Add(oneGuest + oneVisit)
		g.start(r)
		r.Go("guest", func() {
			g.submit(0)
			for g.done.Load() == 0 {
				atom.FutexWait(&g.done, 0, -1)
			}
		})
		r.Daemon("watch", func() {
			for p.spares.watch.Load() != watchRuns || !p.pressed() {
				if g.done.Load() > 0 {
					return
				}
				atom.Yield()
			}
			p.state.Add(^(oneGuest - 1)) // as unseat does
			p.notify(nil)
		})
	})
}

// A guest departs with a job in its deque that it has taken from others, while another seat is free: a worker that was woken for it may
// look when it is in no queue.
func TestExploreAGuestThatLeavesAJobBehind(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 2, Sampled: someRuns}, func(r *mc.Run) {
		g := newPlay(1, 1)
		p := g.pool
		p.size = 2 // the other seat
		g.start(r)
		r.Go("guest", func() {
			guest := p.admit(true)
			guest.goOn()
			guest.own.Push(&g.jobs[0])
			p.notify(&guest.proc)
			guest.depart(0)
		})
	})
}

// nearEnd makes the injector's first block one of which all slots but two have been used.
func nearEnd(q *injector) {
	b := q.head.Load()
	for i := range b.slots[:blockSlots-2] {
		b.slots[i].Store(&goneJob)
	}
	b.pushed.Store(blockSlots - 2)
	b.popped.Store(blockSlots - 2)
}

// Two submitters go for the same slots, of which a worker takes the jobs.
func TestExploreInjectorBetweenSubmitters(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		p := newStage(1)
		nearEnd(&p.injector)
		jobs := make([]Job, 3)
		taken := map[*Job]int{}
		take := func() {
			own := p.workers[0].own
			j, _ := p.injector.pop(own)
			for ; j != nil; j = own.Pop() {
				taken[j]++
			}
		}
		r.Go("worker", func() { take(); take() })
		r.Go("submitter", func() { p.injector.push(&jobs[0]) })
		r.Go("submitter", func() { p.injector.push(&jobs[1]); p.injector.push(&jobs[2]) })
		r.Finally(func() {
			for !p.injector.empty() {
				take()
			}
			for i := range jobs {
				if n := taken[&jobs[i]]; n != 1 {
					r.Fatalf("job %d was taken %d times", i, n)
				}
			}
		})
	})
}

func TestExploreInjectorAgainstClose(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		p := newStage(2)
		nearEnd(&p.injector)
		jobs := make([]Job, 3)
		taken := map[*Job]int{}
		accepted := 0
		r.Go("worker", func() {
			for range 2 {
				if j, _ := p.injector.pop(p.workers[0].own); j != nil {
					taken[j]++
				}
			}
		})
		r.Go("submitter", func() {
			for i := range jobs {
				if p.injector.push(&jobs[i]) {
					accepted++
				}
			}
		})
		r.Go("closer", func() { p.injector.close() })
		r.Finally(func() {
			for _, w := range p.workers {
				for {
					j := w.own.Pop()
					if j == nil {
						j, _ = p.injector.pop(w.own)
					}
					if j == nil {
						break
					}
					taken[j]++
				}
			}
			for j, n := range taken {
				if n != 1 {
					r.Fatalf("a job was taken %d times: %p", n, j)
				}
			}
			if len(taken) != accepted {
				r.Fatalf("%d jobs accepted, %d taken", accepted, len(taken))
			}
		})
	})
}

// A fork that its owner joins while a thief goes for it: it runs once, and the owner goes on with its result, for which it waits awake.
func TestExploreReclaimAgainstSteal(t *testing.T) {
	exploreReclaim(t, mc.Config{Preemptions: 3}, 0)
}

// The same where the owner may lose its patience, and sleep. (All runs with three preemptions, 3.1 million, have been made once.)
func TestExploreReclaimAndSleepAgainstSteal(t *testing.T) {
	exploreReclaim(t, mc.Config{Preemptions: 2, Sampled: someRuns}, awaitSpin)
}

// exploreReclaim has the clock move once, by so much.
func exploreReclaim(t *testing.T, c mc.Config, tick time.Duration) {
	mc.Explore(t, c, func(r *mc.Run) {
		p := newStage(2)
		owner, thief := p.workers[0], p.workers[1]
		kind := NewFork[int, int]()
		ran := 0
		fn := func(_ *Task, n int) int { ran++; return n + 1 }
		fiberOf := func(w *worker) *fiber {
			f := &fiber{p: &w.proc}
			f.init()
			w.cur.Store(f)
			f.yield = func(struct{}) bool { // the trunk: it has no other fiber, and sleeps until this one is ready
				for !w.anyWoken() {
					w.park()
				}
				w.endSearch()
				w.takeReady()
				return true
			}
			return f
		}
		r.Go("owner", func() {
			f := fiberOf(owner)
			f.g.Store(gid.Current())
			task := &Task{pool: p, parent: context.Background()}
			task.begin(f)
			l := f.enter(task)
			for i := range 2 { // the second time the slot is used again
				fork := kind.Fork(task, fn, i)
				if got := fork.Join(task); got != i+1 {
					r.Fatalf("fork %d gave %d", i, got)
				}
				if ran != i+1 {
					r.Fatalf("%d runs after %d forks", ran, i+1)
				}
			}
			f.leave(l)
		})
		if tick > 0 {
			var never atom.Uint32
			r.Go("clock", func() { atom.FutexWait(&never, 0, tick) })
		}
		r.Go("thief", func() {
			f := fiberOf(thief)
			f.g.Store(gid.Current())
			for range 2 {
				if j, _ := thief.steal(&owner.proc); j != nil {
					j.run(f, j)
				}
			}
		})
	})
}

// A waiter that is woken and cancelled at once: one of them wins, and the loser knows.
func TestExploreWakeAgainstCancel(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
		p := newStage(1)
		w := p.workers[0]
		f := &fiber{p: &w.proc}
		f.init()
		f.yield = func(struct{}) bool {
			for !w.anyWoken() {
				w.park()
			}
			w.endSearch()
			w.takeReady()
			return true
		}
		task := &Task{pool: p, parent: context.Background()}
		task.begin(f)
		wait := &Waiter{task: task}
		var woken, returned bool
		var err error
		r.Go("task", func() {
			err = wait.Wait(context.Background())
			returned = true
		})
		r.Go("waker", func() { woken = wait.Wake() })
		r.Go("canceller", func() { wait.cancel() })
		r.Finally(func() {
			if !returned || woken != (err == nil) {
				r.Fatalf("Wake gave %t, Wait returned %t with %v", woken, returned, err)
			}
		})
	})
}

// addSpares puts spares on the bench.
func (g *play) addSpares(r *mc.Run, n int) {
	p := g.pool
	for range n {
		spare := p.takeSpare()
		spare.seat.Store(p.workers[0])
		spare.init(spare.id)
		p.procs[spare.id].Store(&spare.proc)
		spare.parked.Store(asleep)
		r.Daemon("spare", func() {
			for spare.parked.Load() == asleep {
				atom.FutexWait(&spare.parked, asleep, -1)
			}
			spare.parked.Store(asleep)
			spare.goOn()
			spare.isSearching = true
			g.work(spare)
		})
	}
	for i := range n {
		p.retired.add(p.spares.all[i].Load().id)
	}
}

// checkSeats fails the run unless the seats add up, and spares have none but those that are kept.
func (g *play) checkSeats(r *mc.Run) {
	p := g.pool
	s := p.state.Load()
	if awake(s) != 0 || searching(s) != 0 || visits(s) != 0 || guests(s) != p.withheld() {
		r.Fatalf("%d awake, %d searching, %d blocked, %d seats withheld in the end, want %d", awake(s), searching(s), visits(s), guests(s), p.withheld())
	}
	for i := range p.spares.made {
		if s := p.spares.all[i].Load(); s.mustRetire() == s.kept.Load() {
			r.Fatalf("spare %d is kept: %t, and has a seat: %t", i, s.kept.Load(), !s.mustRetire())
		}
	}
}

// A stand is a play of one worker that the watch relieves, so many times, and of the spares that stand in for it.
func newStand(r *mc.Run, times int, work func(g *play, w *worker)) *play {
	g := newPlay(1, 1)
	p := g.pool
	g.addSpares(r, times)
	r.Daemon("worker", func() { work(g, p.workers[0]) })
	r.Go("watch", func() {
		for range times {
			p.relieve(p.workers[0])
		}
	})
	r.Go("submitter", func() { g.submit(0) })
	r.Finally(func() {
		g.check(r)
		g.checkSeats(r)
	})
	return g
}

// The same where spares are kept, and dismissed at any moment.
func TestExploreKeepingASpare(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 1, Sampled: someRuns}, func(r *mc.Run) {
		g := newStand(r, 1, (*play).work)
		p := g.pool
		p.target.Store(2) // beside one worker none would be kept
		p.spares.often.Store(true)
		r.Go("dismissal", p.dismissKept)
		r.Finally(func() {
			p.dismissKept()
			p.target.Store(1)
			g.check(r)
			g.checkSeats(r)
		})
	})
}

// A worker is relieved, and comes back at any moment, while a job is submitted: it runs, and the seats add up in the end.
func TestExploreRelievingAgainstComingBack(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: shallow(), Sampled: someRuns}, func(r *mc.Run) { newStand(r, 1, (*play).work) })
}

// It is relieved once more while it comes back.
func TestExploreRelievingAgain(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: 1, Sampled: someRuns}, func(r *mc.Run) { newStand(r, 2, (*play).work) })
}

// The worker waits natively for the job, which only the spare can run.
func TestExploreASpareDoesWhatItsWorkerWaitsFor(t *testing.T) {
	mc.Explore(t, mc.Config{Preemptions: shallow(), Sampled: someRuns}, func(r *mc.Run) {
		newStand(r, 1, func(g *play, w *worker) {
			for g.done.Load() == 0 {
				atom.FutexWait(&g.done, 0, -1)
			}
			g.work(w)
		})
	})
}
