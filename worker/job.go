package worker

import (
	"unsafe"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/callsite"
)

// A Job is what deques and the injector hold: something to run. It is the part of a fork's slot, or of a root task, that
// needs no type parameters.
type Job struct {
	state atom.Uint32
	site  callsite.Site // of a root task's job: where the task was started
	run   func(*fiber, *Job)
	what  unsafe.Pointer // of a slot's job: its *segment; of a root task's: see Root.Init
}

// The states of a slot's job. The state is the truth; an entry in a deque is only a hint where to look. So an entry may be
// stale, and more than one may lead to a slot: whoever wins the compare-and-swap out of jobExposed has it.
//
//	         expose                  steal                    finish
//	private --------> exposed ---------------------> taken ----------> done
//	   ^                 |                             |                ^ |
//	   |     reclaim     |                       await |        finish  | |  join
//	   +-----------------+                             +--> awaited ----+ |
//	   +------------------------------------------------------------------+
//
// From private and done the owner moves on, by a plain protocol; from exposed the owner (reclaim) races the thieves (steal);
// from taken the thief (finish) races the owner (await). A finish that finds awaited wakes the owner's fiber: the owner
// commits itself to suspending by that swap, and nobody else ends this suspension, so there is exactly one wake for it.
//
// No generation is needed to tell one use of a slot from the next. A thief reads the slot only after it has moved the state
// to taken, and from then on the owner cannot reuse it before done. A stale entry of an earlier use that meets the slot
// exposed once more just leads to the work of the later use, which is as good.
const (
	jobRoot    uint32 = iota // not a slot's: a root task, which is in one place only
	jobOffered               // a root task that may be taken over: see claim.go
	jobClaimed               // the same, and somebody has it

	jobPrivate
	jobExposed
	jobTaken
	jobAwaited
	jobDone
)

// isFork reports whether the job is a slot's.
func (j *Job) isFork() bool { return j.state.Load() > jobClaimed }
