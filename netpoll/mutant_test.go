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
			Old: "\ts.summoned.Store(0) // then look\n\tfor {\n\t\tr, more := s.take()\n\t\tif r == nil {\n",
			New: "\tfor {\n\t\tr, more := s.take()\n\t\tif r == nil {\n\t\t\ts.summoned.Store(0)\n",
		},
	})
}
