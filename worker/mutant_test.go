//go:build mc

package worker

import (
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/mc/mutant"
)

// The lines on which the protocols rest are broken, one at a time, and the explorer must notice.
func TestMutantsAreFound(t *testing.T) {
	mutant.Check(t, "mc", "^TestExplore", []mutant.Mutant{
		{
			Name: "a worker parks without a last look", File: "idle.go",
			Old: "if (seatFree && p.anyWork() ||",
			New: "if (false ||",
		},
		{
			Name: "a worker looks before it enters idle", File: "idle.go",
			Old: "\tp.idle.add(w.id)\n\ts := p.state.Load() // after entering idle: whoever gives up a seat before this saw no worker to wake\n",
			New: "\tlook := p.anyWork()\n\tp.idle.add(w.id)\n\ts := p.state.Load()\n\tif !look {\n\t\ts = oneAwake * 100\n\t}\n",
		},
		{
			Name: "a worker asks for a seat before it enters idle", File: "idle.go",
			Old: "\tp.state.Add(-left)\n\tp.idle.add(w.id)\n\ts := p.state.Load()",
			New: "\ts := p.state.Add(-left)\n\tp.idle.add(w.id)\n\t_ = 0",
		},
		{
			Name: "the last look forgets the inbox", File: "idle.go",
			Old: "|| w.anyReady() || p.stopping.Load()) && p.idle.",
			New: "|| p.stopping.Load()) && p.idle.",
		},
		{
			Name: "the look forgets the injector", File: "idle.go",
			Old: "\tif !p.injector.empty() || p.anyPrompt() {",
			New: "\tif p.anyPrompt() {",
		},
		{
			Name: "the last searcher does not wake another", File: "search.go",
			Old: "if w.pool.endSearch() && w.pool.anyWork() {",
			New: "if w.pool.endSearch() && false {",
		},
		{
			Name: "a worker parks beside work that it may not have and starts no watch", File: "idle.go",
			Old: "\tif !seatFree && p.anyWork() {\n\t\tp.guard()",
			New: "\tif !seatFree && false {\n\t\tp.guard()",
		},
		{
			Name: "who submits starts no watch", File: "idle.go",
			Old: "\t\tp.hail()\n\t\tp.guard()\n",
			New: "\t\tp.hail()\n",
		},
		{
			Name: "a guest leaves without a look", File: "guest.go",
			Old: "if awake(s)+guests(s) == p.room()-1 && p.anyWork() {",
			New: "if awake(s)+guests(s) == p.room()-1 && false {",
		},
		{
			Name: "a guest looks only if all seats are free", File: "guest.go",
			Old: "if awake(s)+guests(s) == p.room()-1 && p.anyWork() {",
			New: "if awake(s)+guests(s) == 0 && p.size > 1 && p.anyWork() {",
		},
		{
			Name: "a guest leaves a job behind and wakes nobody", File: "guest.go",
			Old: "\tif left {\n",
			New: "\tif left && false {\n",
		},
		{
			Name: "the closed bit is set before the injector is closed", File: "pool.go",
			Old: "\tp.injector.close()\n",
			New: "\tp.state.Or(closedBit)\n\tp.injector.close()\n",
		},
		{
			Name: "a submitter notifies first", File: "explore_test.go",
			Old: "\tg.pool.injector.push(&g.jobs[i])\n\tg.pool.notify(nil)",
			New: "\tg.pool.notify(nil)\n\tg.pool.injector.push(&g.jobs[i])",
		},
		{
			Name: "the injector is empty while jobs move to the deque", File: "inject.go",
			Old: "\tfor i := to - 1; i > from; i-- {",
			New: "\tb.popped.Store(to)\n\tfor i := to - 1; i > from; i-- {",
		},
		{
			Name: "two workers pop at once", File: "inject.go",
			Old: "return q.popping.Load() == 0 && q.popping.CompareAndSwap(0, 1)",
			New: "return q.popping.Load() == 0",
		},
		{
			Name: "a taken slot is cleared", File: "inject.go",
			Old: "b.slots[i].Store(&goneJob)",
			New: "b.slots[i].Store(nil)",
		},
		{
			Name: "who finds a slot taken does not move pushed", File: "inject.go",
			Old: "\t\tb.pushed.CompareAndSwap(i, i+1) // the other may have been interrupted\n",
			New: "",
		},
		{
			Name: "a closed slot counts as pushed", File: "inject.go",
			Old: "if slot.CompareAndSwap(nil, &closedJob) || slot.Load() == &closedJob {",
			New: "if slot.CompareAndSwap(nil, &closedJob) {\n\t\t\tb.pushed.CompareAndSwap(i, i+1)\n\t\t\treturn\n\t\t} else if slot.Load() == &closedJob {",
		},
		{
			Name: "who posts wakes first", File: "mail.go",
			Old: "\tw.mail.put(&r.job)\n\tp.wake(w)\n",
			New: "\tp.wake(w)\n\tw.mail.put(&r.job)\n",
		},
		{
			Name: "a worker parks without a look at its mail", File: "worker.go",
			Old: "w.gaveWay.first != nil || w.mail.any() }",
			New: "w.gaveWay.first != nil }",
		},
		{
			Name: "a pool is quiet while there is mail", File: "mail.go",
			Old: "if p.state.CompareAndSwap(s, s+oneVisit) {",
			New: "if p.state.CompareAndSwap(s, s) {\n\t\t\tdefer p.state.Add(oneVisit)",
		},
		{
			Name: "a task is taken over without compare-and-swap", File: "claim.go",
			Old: "return j.state.Load() == jobOffered && j.state.CompareAndSwap(jobOffered, jobClaimed)",
			New: "if j.state.Load() == jobOffered {\n\t\tj.state.Store(jobClaimed)\n\t\treturn true\n\t}\n\treturn false",
		},
		{
			Name: "who finds a claimed task runs it", File: "claim.go",
			Old: "\tif j.claim() {\n\t\trunRoot(f, j)",
			New: "\tif j.claim() || true {\n\t\trunRoot(f, j)",
		},
		{
			Name: "the front is cleared of tasks that nobody has claimed", File: "claim.go",
			Old: "if b.slots[from].Load().state.Load() != jobClaimed {",
			New: "if b.slots[from].Load() == nil {",
		},
		{
			Name: "the front is cleared while somebody pops", File: "claim.go",
			Old: "\tif !q.begin() {\n\t\treturn\n\t}\n",
			New: "",
		},
		{
			Name: "the late watch ends without a last look", File: "late.go",
			Old: "\tp.turnOut(p.inPocket())\n\tp.late.familiar",
			New: "\tp.late.familiar",
		},
		{
			Name: "a task stays in the pocket though the watch has ended", File: "late.go",
			Old: "\tif l.on.Load() == 0 {\n\t\tp.turnOut(&r.job)",
			New: "\tif l.on.Load() == 0 && false {\n\t\tp.turnOut(&r.job)",
		},
		{
			Name: "a context is remembered after the watch has ended", File: "familiar.go",
			Old: "\tif l.on.Load() == 0 {",
			New: "\tif false {",
		},
		{
			Name: "who submits looks for the watch before the task is in the pocket", File: "late.go",
			Old: "\tif l.on.Load() == 0 {\n\t\tp.turnOut(&r.job)\n\t}\n\treturn true",
			New: "\treturn true",
		},
		{
			Name: "a task is taken out of the pocket without compare-and-swap", File: "late.go",
			Old: "return l.pocket.Load() == &r.job && l.pocket.CompareAndSwap(&r.job, nil)",
			New: "if l.pocket.Load() == &r.job {\n\t\tl.pocket.Store(nil)\n\t\treturn true\n\t}\n\treturn false",
		},
		{
			Name: "a task is turned out without compare-and-swap", File: "late.go",
			Old: "\tif j == nil || l.pocket.Load() != j || !l.pocket.CompareAndSwap(j, &movingJob) {\n\t\treturn\n\t}\n",
			New: "\tif j == nil || l.pocket.Load() != j {\n\t\treturn\n\t}\n\tl.pocket.Store(&movingJob)\n",
		},
		{
			Name: "nobody is woken for a task that is turned out", File: "late.go",
			Old: "\tl.pocket.Store(nil)\n\tp.notify(nil)\n",
			New: "\tl.pocket.Store(nil)\n",
		},
		{
			Name: "a task is on offer before it leaves the pocket", File: "late.go",
			Old: "\tif j == nil || l.pocket.Load() != j || !l.pocket.CompareAndSwap(j, &movingJob) {\n\t\treturn\n\t}\n\tj.offer()\n",
			New: "\tif j == nil {\n\t\treturn\n\t}\n\tj.offer()\n\tif !l.pocket.CompareAndSwap(j, &movingJob) {\n\t\treturn\n\t}\n",
		},
		{
			Name: "a pool is closed while a task moves out of the pocket", File: "late.go",
			Old: "\t\tif l.pocket.Load() == &movingJob {\n",
			New: "\t\tif l.pocket.Load() == &movingJob {\n\t\t\tbreak\n",
		},
		{
			Name: "the pocket stays open when the pool is closed", File: "pool.go",
			Old: "\tp.closePocket()\n",
			New: "",
		},
		{
			Name: "the pocket is closed after the closed bit is set", File: "pool.go",
			Old: "\tp.closePocket()\n\tp.looper.prompt.close()\n\tp.seq.refuse()\n\tp.state.Or(closedBit)\n",
			New: "\tp.looper.prompt.close()\n\tp.seq.refuse()\n\tp.state.Or(closedBit)\n\tp.closePocket()\n",
		},
		{
			Name: "who comes too late keeps the seat", File: "claim.go",
			Old: "\tg.leave()\n\treturn nil, true",
			New: "\treturn nil, true",
		},
		{
			Name: "a fork is reclaimed without compare-and-swap", File: "stack.go",
			Old: "\tif !j.state.CompareAndSwap(jobExposed, jobPrivate) {\n\t\treturn false\n\t}",
			New: "\tif j.state.Load() != jobExposed {\n\t\treturn false\n\t}\n\tj.state.Store(jobPrivate)",
		},
		{
			Name: "a thief takes a fork without compare-and-swap", File: "fork.go",
			Old: "if !j.state.CompareAndSwap(jobExposed, jobTaken) {",
			New: "if j.state.Load() == jobExposed {\n\t\tj.state.Store(jobTaken)\n\t} else {",
		},
		{
			Name: "a thief does not wake the owner that waits", File: "fork.go",
			Old: "if s.j.state.Swap(jobDone) == jobAwaited {",
			New: "if s.j.state.Swap(jobDone) == jobPrivate {",
		},
		{
			Name: "an owner suspends though the fork is done", File: "fiber.go",
			Old: "if j.state.CompareAndSwap(jobTaken, jobAwaited) {",
			New: "if j.state.CompareAndSwap(jobTaken, jobAwaited) || true {",
		},
		{
			Name: "cancelling does not race waking", File: "waiter.go",
			Old: "\t\t\tif w.state.CompareAndSwap(waitParked, how) {",
			New: "\t\t\tif w.state.Store(how); true {",
		},
		{
			Name: "a worker retires and leaves work to nobody", File: "resize.go",
			Old: "\tp.retired.add(w.id)\n\tif p.anyWork() {",
			New: "\tp.retired.add(w.id)\n\tif false {",
		},
		{
			Name: "a worker that retires does not look into its inbox", File: "resize.go",
			Old: "if (w.anyReady() || p.stopping.Load() || !w.mustRetire())",
			New: "if (p.stopping.Load() || !w.mustRetire())",
		},
		{
			Name: "a retired worker is not woken for its fibers", File: "idle.go",
			Old: "p.idle.remove(w.id) || p.retired.remove(w.id)",
			New: "p.idle.remove(w.id)",
		},
		{
			Name: "a pool grows without a look", File: "resize.go",
			Old: "\tif p.anyWork() { // whoever",
			New: "\tif false { // whoever",
		},
		{
			Name: "a worker that sleeps is moved between the sets", File: "resize.go",
			Old: "\t\t\tp.putInto(p.retired, i)\n\t\t} else {\n\t\t\tp.deliver(i)\n\t\t}",
			New: "\t\t\tp.putInto(p.retired, i)\n\t\t} else {\n\t\t\tp.putInto(p.retired, i)\n\t\t}",
		},
		{
			Name: "a new worker is moved between the sets without a look at its mail", File: "resize.go",
			Old: "\tset.add(i)\n",
			New: "\tset.add(i)\n\tif true {\n\t\treturn\n\t}\n",
		},
		{
			Name: "who changes the seats keeps others from finding a pool quiet", File: "pool.go",
			Old: "\tif s = p.state.Load(); awake(s) == 0 && visits(s) == 0 && p.parks() == before {",
			New: "\tif p.state.Load() == s && p.parks() == before {",
		},
		{
			Name: "a fiber is made ready without a wake", File: "worker.go",
			Old: "\tw.pool.wake(w)\n",
			New: "",
		},
		{
			Name: "a worker is relieved without compare-and-swap", File: "standin.go",
			Old: "taken := w.duty.CompareAndSwap(onDuty, handing)",
			New: "taken := w.duty.Load() == onDuty\n\tw.duty.Store(handing)",
		},
		{
			Name: "a spare is given a seat and not woken", File: "standin.go",
			Old: "\tif s != nil {\n\t\tp.deliver(s.id)\n",
			New: "\tif s != nil {\n\t\ts.goOn()\n",
		},
		{
			Name: "a worker is relieved once more before it has its seat", File: "standin.go",
			Old: "\tfor !p.duty.CompareAndSwap(relieved, handing) {",
			New: "\tfor !p.duty.CompareAndSwap(relieved, onDuty) {",
		},
		{
			Name: "a seat stays vacant", File: "standin.go",
			Old: "\tif !w.vacant() {\n",
			New: "\tif true {\n",
		},
		{
			Name: "a worker that is to retire by now is stood in for", File: "standin.go",
			Old: "if s != nil && (!taken || w.mustRetire()) {",
			New: "if s != nil && !taken {",
		},
		{
			Name: "a spare works on in the seat of a worker that is to retire", File: "resize.go",
			Old: "\t\t\tp.dismissRelief(p.workers[i])\n",
			New: "",
		},
		{
			Name: "a guest leaves and forgets that spares have seats", File: "guest.go",
			Old: "p.room()-1 &&",
			New: "p.size-1 &&",
		},
		{
			Name: "a spare is kept without a seat", File: "standin.go",
			Old: "oneVisit - oneAwake + oneGuest - 1",
			New: "oneVisit - oneAwake - 1",
		},
		{
			Name: "a spare that was kept is dismissed with its seat", File: "standin.go",
			Old: "\t\t\tp.state.Add(oneGuest)\n\t\t\tp.dismiss(s)\n",
			New: "\t\t\tp.dismiss(s)\n",
		},
		{
			Name: "a spare that was kept loses its seat and works on", File: "standin.go",
			Old: "\t\t\tp.state.Add(oneGuest)\n\t\t\tp.dismiss(s)\n",
			New: "\t\t\tp.state.Add(oneGuest)\n",
		},
		{
			Name: "a worker comes back uncounted", File: "standin.go",
			Old: "\tif p.duty.Load() > onDuty {\n\t\tp.takeSeat()\n\t}",
			New: "\tif p.duty.Load() == relieved {\n\t\tp.duty.Store(onDuty)\n\t}",
		},
	})
}

// So are those of sleeping in a loop, or until a timer.
func TestMutantsAreFoundInDozing(t *testing.T) {
	mutant.Check(t, "mc", "^TestExplore.*Doz", []mutant.Mutant{
		{
			Name: "a worker that gets up stays in idle", File: "loop.go",
			Old: "\tif !w.pool.idle.remove(w.id) {\n\t\treturn false\n\t}\n",
			New: "",
		},
		{
			Name: "a worker that gets up is not counted", File: "loop.go",
			Old: "\tw.pool.state.Add(oneAwake + oneSearching)\n\treturn true\n",
			New: "\treturn true\n",
		},
		{
			Name: "a worker spins until its waker has gone on", File: "loop.go",
			Old: "\tatom.FutexWait(&w.parked, asleep, -1)\n\treturn false\n",
			New: "\treturn false\n",
		},
		{
			Name: "a worker in the loop spins until its waker has gone on", File: "loop.go",
			Old: "\tif !up {\n\t\tatom.FutexWait(&w.parked, asleep, -1)\n\t}\n",
			New: "",
		},
		{
			Name: "a worker in the loop waits for its waker before it delivers", File: "loop.go",
			Old:      "\tup = w.riseEarly()\n\tif found {",
			New:      "\tif up = w.riseEarly(); !up {\n\t\tatom.FutexWait(&w.parked, asleep, -1)\n\t}\n\tif found {",
			Harmless: true, // but slower
		},
		{
			Name: "what was found is not delivered", File: "loop.go",
			Old: "\tif found {\n\t\tl.Deliver()\n\t}\n",
			New: "",
		},
		{
			Name: "a worker in the loop is not roused", File: "loop.go",
			Old: "\t\tl.Rouse(&w.parked)\n",
			New: "\t\t_ = l\n",
		},
		{
			Name: "a worker sleeps beyond its timer", File: "loop.go",
			Old: "until = l.Rest(w.shard())",
			New: "l.Rest(w.shard())",
		},
		{
			Name: "a prompt job is no work", File: "idle.go",
			Old: "p.anyWork() || p.anyPrompt() || w",
			New: "(!p.injector.empty()) || w",
		},
	})
}
