//go:build mc && linux && !pinwheel_portable

package netpoll

import (
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/mc/mutant"
)

// The lines on which the protocols rest are broken, one at a time, and the explorer must notice.
func TestMutantsAreFound(t *testing.T) {
	mutant.Check(t, "mc", "^TestExplore", []mutant.Mutant{
		{
			Name: "events are not counted", File: "side.go",
			Old: "(w|set)+sideTick)", New: "w|set)",
		},
		{
			Name: "a call that finds nothing clears what has come meanwhile", File: "side.go",
			Old: "s.word.CompareAndSwap(s.seen, s.seen&^sideReady)", New: "s.word.And(^sideReady)",
		},
		{
			Name: "a waiter does not look after it has entered", File: "side.go",
			Old: "if s.word.Load()&something != 0 && s", New: "if s.word.Load()&something == 1<<31 && s",
		},
		{
			Name: "a waiter looks before it enters", File: "side.go",
			Old: "\ts.waiter.Store(w)\n\tif s.word.Load()&something != 0 &&",
			New: "\tlook := s.word.Load()\n\ts.waiter.Store(w)\n\tif look&something != 0 &&",
		},
		{
			Name: "a waiter that gives up before it waits may be woken later", File: "side.go",
			Old: "if s.word.Load()&something != 0 && s.waiter.CompareAndSwap(w, nil) {",
			New: "if s.word.Load()&something != 0 && s.waiter.CompareAndSwap(w, nil) && false {",
		},
		{
			Name: "an event wakes before it changes the word", File: "side.go",
			Old: "\tset := sideReady\n", New: "\ts.rouse()\n\ts = &side{}\n\tset := sideReady\n",
		},
		{
			Name: "a short call at the end clears readiness", File: "side.go",
			Old: "\tif s.seen&sideHung == 0 {\n\t\ts.drained()\n\t}", New: "\ts.drained()",
		},
		{
			Name: "the end is not remembered", File: "side.go",
			Old: "set |= sideHung", New: "set |= 0",
		},
		{
			Name: "generations are not compared", File: "table.go",
			Old: "if s == nil || s.gen != gen {", New: "if s == nil {",
		},
		{
			Name: "a call does not hold the number", File: "desc_linux.go",
			Old: "\t\tif !d.hold() {\n\t\t\treturn net.ErrClosed\n\t\t}\n\t\terr := f(int(d.fd))\n\t\td.letGo()",
			New: "\t\terr := f(int(d.fd))",
		},
		{
			Name: "a descriptor is not held while it is registered", File: "desc_linux.go",
			Old: "\td.life.Store(2) // held: a poller that is being closed may retire it, and the number must not be another's when the kernel gets it\n\tdefer d.letGo()\n",
			New: "\td.life.Store(1)\n",
		},
		{
			Name: "a registration is taken out twice", File: "epoll_linux.go",
			Old: "place != nil && place.CompareAndSwap(s, nil) {", New: "place != nil {",
		},
		{
			Name: "a closed descriptor can be held", File: "desc_linux.go",
			Old: "\t\tif n&descClosed != 0 {\n\t\t\treturn false\n\t\t}", New: "",
		},
		{
			Name: "closing wakes nobody", File: "desc_linux.go",
			Old: "\td.r.end(sideClosed)\n", New: "",
		},
		{
			Name: "a connection rests without a look", File: "readable.go",
			Old: "if s.draining.Load() || r.c.d.isReadable() {\n\t\tr.rouse()", New: "if false {\n\t\tr.rouse()",
		},
		{
			Name: "a connection is looked at before it rests", File: "readable.go",
			Old: "\tr.state.Store(readableResting) // then look: whoever has made it readable before that did not queue it\n\tif s.draining.Load() || r.c.d.isReadable() {",
			New: "\tlook := r.c.d.isReadable()\n\tr.state.Store(readableResting)\n\tif s.draining.Load() || look {",
		},
		{
			Name: "a task says late that it has begun", File: "readable.go",
			Old: "\ts.summoned.Store(0) // then look\n\tfor range dispatchRound {\n\t\tr, more := s.take()\n\t\tif r == nil {\n",
			New: "\tfor range dispatchRound {\n\t\tr, more := s.take()\n\t\tif r == nil {\n\t\t\ts.summoned.Store(0)\n",
		},
	})
}

// So are those of the protocol by which the thread and the workers share the watch.
func TestMutantsAreFoundInTheWatch(t *testing.T) {
	mutant.Check(t, "mc", "^TestExploreWatch", []mutant.Mutant{
		{
			Name: "the thread has a plan before the poller runs", File: "poller.go",
			Old: "\tp.phase.Store(pollerRunning)\n\trun()\n",
			New: "\trun()\n\tp.phase.Store(pollerRunning)\n",
		},
		{
			Name: "the thread falls quiet without a look", File: "epoll_linux.go",
			Old: "\t\t\tif p.watcher.Load() == nil {\n\t\t\t\tp.quiet.Store(0)\n\t\t\t}\n",
			New: "",
		},
		{
			Name: "the thread looks before it falls quiet", File: "epoll_linux.go",
			Old: "\t\t\tp.quiet.Store(1) // then look whether somebody still sleeps with the watch: the mirror image of Watch\n\t\t\tif p.watcher.Load() == nil {\n\t\t\t\tp.quiet.Store(0)\n\t\t\t}\n",
			New: "\t\t\tif p.watcher.Load() != nil {\n\t\t\t\tp.quiet.Store(1)\n\t\t\t}\n",
		},
		{
			Name: "a worker asks whether the thread is quiet before it gives up the watch", File: "epoll_linux.go",
			Old: "\tp.watcher.Store(nil) // then look whether the thread is quiet: the mirror image of guard\n\tp.polls.Add(1)\n\tif p.quiet.Load() != 0 {",
			New: "\tquiet := p.quiet.Load()\n\tp.watcher.Store(nil)\n\tp.polls.Add(1)\n\tif quiet != 0 {",
		},
		{
			Name: "a worker that gets up does not wake the thread", File: "epoll_linux.go",
			Old: "\t\tp.quiet.Store(0)\n\t\tp.kick()\n",
			New: "\t\tp.quiet.Store(0)\n",
		},
		{
			Name: "a worker looks at its word before it says that it sleeps with the watch", File: "epoll_linux.go",
			Old: "\tp.watcher.Store(word) // then look at it: the mirror image of Rouse\n\tn := 0\n\tif word.Load() == 0 &&",
			New: "\tlook := word.Load()\n\tp.watcher.Store(word)\n\tn := 0\n\tif look == 0 &&",
		},
		{
			Name: "a worker with the watch is not roused", File: "epoll_linux.go",
			Old: "p.watcher.Load() == word {",
			New: "false {",
		},
		{
			Name: "who rings does not hold the descriptors", File: "epoll_linux.go",
			Old: "\tif p.hold() {\n\t\tp.set.ring()\n\t\tp.unhold()\n\t}",
			New: "\tp.set.ring()",
		},
		{
			Name: "a worker keeps the watch", File: "epoll_linux.go",
			Old: "\tp.deliver(p.found)\n\tp.watch.Store(watchFree)\n",
			New: "\tp.deliver(p.found)\n",
		},
		{
			Name: "a worker that has found nothing keeps the watch", File: "epoll_linux.go",
			Old: "\tif n == 0 {\n\t\tp.watch.Store(watchFree)\n\t\treturn true, false",
			New: "\tif n == 0 {\n\t\treturn true, false",
		},
		{
			Name: "two have the watch", File: "epoll_linux.go",
			Old: "if !p.watch.CompareAndSwap(watchFree, watchWorker) {",
			New: "if p.watch.Store(watchWorker); false {",
		},
		{
			Name: "the thread does not take the watch from nobody", File: "epoll_linux.go",
			Old: "if p.watch.CompareAndSwap(watchFree, watchThread) {",
			New: "if false {",
		},
		{
			Name: "the thread takes the watch from a worker", File: "epoll_linux.go",
			Old: "if p.watch.CompareAndSwap(watchFree, watchThread) {",
			New: "if p.watch.Store(watchThread); true {",
		},
		{
			Name: "the thread does not see that somebody has got up", File: "epoll_linux.go",
			Old: "\t\t\tlimit = look - now\n",
			New: "\t\t\tif idle < guardRounds {\n\t\t\t\tlimit = look - now\n\t\t\t}\n",
		},
		{
			Name: "a worker silences the bell of the thread", File: "epoll_linux.go",
			Old: "\tn, _ = p.deliver(p.batch[:p.set.poll(p.batch)])\n",
			New: "\tn, rung := p.deliver(p.batch[:p.set.poll(p.batch)])\n\tif rung {\n\t\tp.set.hush()\n\t}\n",
		},
		{
			Name: "the bell is never silenced", File: "epoll_linux.go",
			Old: "\t\tif rung {\n\t\t\tp.set.hush()\n\t\t}\n\t\tif delivered",
			New: "\t\t_ = rung\n\t\tif delivered",
		},
		{
			Name: "the thread with the watch forgets that it was told after it has read the plan", File: "epoll_linux.go",
			Old:      "\t\t\tn = p.set.await(events, timeout)\n",
			New:      "\t\t\tp.told.Store(0)\n\t\t\tn = p.set.await(events, timeout)\n",
			Harmless: true, // the bell has been rung, and is level-triggered
		},
		{
			Name: "the thread without the watch forgets that it was told after it has read the plan", File: "epoll_linux.go",
			Old: "\t\t\tatom.FutexWait(&p.told, 0, timeout)\n",
			New: "\t\t\tp.told.Store(0)\n\t\t\tatom.FutexWait(&p.told, 0, timeout)\n",
		},
		{
			Name: "the thread is woken where it does not sleep", File: "epoll_linux.go",
			Old: "if p.mode.Load() == modeEpoll {",
			New: "if p.mode.Load() != modeEpoll {",
		},
		{
			Name: "the thread says late where it sleeps", File: "epoll_linux.go",
			Old: "\t\t\ttimeout, due := p.sleep(-1)\n",
			New: "\t\t\tp.mode.Store(modeFutex)\n\t\t\ttimeout, due := p.sleep(-1)\n\t\t\tp.mode.Store(modeEpoll)\n",
		},
		{
			Name: "the thread sleeps beyond the next timer", File: "epoll_linux.go",
			Old: "\tif limit >= 0 {\n\t\ttimeout = min(timeout, limit)",
			New: "\tif limit >= 0 {\n\t\ttimeout = limit",
		},
		{
			Name: "a worker with the watch sleeps beyond its timer", File: "epoll_linux.go",
			Old:      "timeout = max(until-p.wheels.Now(), 0)",
			New:      "timeout = time.Hour",
			Harmless: true, // to the timer: the thread fires it after a grace
		},
	})
}
