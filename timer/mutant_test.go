//go:build mc

package timer

import (
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/mc/mutant"
)

// Every line on which the protocols rest is broken once, and the explorer must notice.
func TestMutantsOfTheProtocolsAreFound(t *testing.T) {
	mutant.Check(t, "mc", "^TestExplore", []mutant.Mutant{
		{
			Name: "timer locked in a shard that it has left", File: "timer.go",
			Old: "\t\tif t.shard.Load() == s {",
			New: "\t\tif s != nil {",
		},
		{
			Name: "timer bound from a shard that it has left", File: "timer.go",
			Old: "\t\tif t.shard.Load() == old {",
			New: "\t\tif s != nil {",
		},
		{
			Name: "locks taken in the order in which they are named", File: "timer.go",
			Old: "\tif s.order > other.order {",
			New: "\tif s == nil {",
		},
		{
			Name: "timer bound to another shard without the lock of that", File: "timer.go",
			Old: "\t\t\t\tt.shard.Store(s)\n\t\t\t\told.mu.Unlock()\n",
			New: "\t\t\t\ts.mu.Unlock()\n\t\t\t\tt.shard.Store(s)\n\t\t\t\told.mu.Unlock()\n\t\t\t\ts.mu.Lock()\n",
		},
		{
			Name: "sent value left in the channel", File: "timer.go",
			Old: "ok && c.drain()",
			New: "ok && c == nil",
		},
		{
			Name: "expiring without the lock", File: "shard.go",
			Old: "\ts.mu.Lock()\n\ttick := s.wheels.ticks.by(now)\n",
			New: "\ttick := s.wheels.ticks.by(now)\n\ts.event.Load()\n",
		},
		{
			Name: "event not lowered", File: "shard.go",
			Old: "\ts.event.Store(int64(event))\n\treturn true",
			New: "\treturn true",
		},
		{
			Name: "event raised after the lock is released", File: "shard.go",
			Old: "\tif event != s.next() {\n\t\ts.event.Store(int64(event))\n\t}\n\tif l := s.wheel.draining; l != nil {\n\t\tleft = l.n\n\t}\n\ts.mu.Unlock()\n",
			New: "\tif l := s.wheel.draining; l != nil {\n\t\tleft = l.n\n\t}\n\ts.mu.Unlock()\n\tif event != s.next() {\n\t\ts.event.Store(int64(event))\n\t}\n",
		},
		{
			Name: "timers accepted after the end", File: "shard.go",
			Old: "\ts.closed = true\n",
			New: "",
		},
		{
			Name: "driver not told of an earlier timer", File: "shard.go",
			Old: "\tif earlier {",
			New: "\tif earlier && s == nil {",
		},
		{
			Name: "driver not told that a worker leaves", File: "shard.go",
			Old: "; grace < was {",
			New: "; grace < was && s == nil {",
		},
		{
			Name: "no second look", File: "wheels.go",
			Old: "\t\tif w.earliest() >= when {",
			New: "\t\tif w != nil {",
		},
		{
			Name: "second look before the announcement", File: "wheels.go",
			Old: "\t\tw.plan.Store(int64(when)) // then look again: see above\n\t\tif w.earliest() >= when {\n",
			New: "\t\tif w.earliest() >= when {\n\t\t\tw.plan.Store(int64(when))\n",
		},
		{
			Name: "plan withdrawn without a wake", File: "wheels.go",
			Old: "\t\t\t(*w.wake.Load())()\n",
			New: "",
		},
		{
			Name: "plan read before the event is lowered", File: "shard.go",
			Old: "\tearlier := s.insertLocked(t, now, when)\n\ts.mu.Unlock()\n\tif earlier {\n\t\ts.wheels.hurry(s)\n",
			New: "\tplan := s.wheels.plan.Load()\n\tearlier := s.insertLocked(t, now, when)\n\ts.mu.Unlock()\n\tif earlier && plan != withdrawn {\n\t\ts.wheels.hurry(s)\n",
		},
		{
			Name: "plan withdrawn without compare-and-swap", File: "wheels.go", Harmless: true,
			Old: "\t\tif w.plan.CompareAndSwap(plan, withdrawn) {",
			New: "\t\tif w.plan.Store(withdrawn); true {",
		},
		{
			Name: "driver's word not set", File: "driver.go",
			Old: "\tif d.word.CompareAndSwap(driverAsleep, driverWoken) {",
			New: "\tif d != nil {",
		},
		{
			Name: "driver's word reset after the plan", File: "driver.go",
			Old: "\t\tatom.FutexWait(&d.word, driverAsleep, timeout)\n",
			New: "\t\td.word.CompareAndSwap(driverWoken, driverAsleep)\n\t\tatom.FutexWait(&d.word, driverAsleep, timeout)\n",
		},
		{
			Name: "driver's word not reset", File: "driver.go",
			Old: "d.word.CompareAndSwap(driverWoken, driverAsleep) || ",
			New: "",
		},
	})
}

// The same for the wheel and its model.
func TestMutantsOfTheWheelAreFound(t *testing.T) {
	mutant.Check(t, "mc", "^Test(AFull|ALone|ALate|ATimerThat|AWheel|AnyDuration|Deadlines|Stopped|TheNext|Timers|Wheels|Young)", []mutant.Mutant{
		{
			Name: "deadline rounded down", File: "scale.go",
			Old: "return s.by(when-1) + 1",
			New: "return s.by(when)",
		},
		{
			Name: "deadline that overflows", File: "wheels.go",
			Old: "\tif t > forever-d {",
			New: "\tif t < 0 {",
		},
		{
			Name: "now moved into a slot that is to come", File: "wheel.go",
			Old: "\t\tw.free = min(w.free, begin-1)\n",
			New: "\t\tw.free = min(w.free, begin)\n",
		},
		{
			Name: "now moved beyond a slot that is to come", File: "wheel.go",
			Old: "\tif now = min(now, w.free); now > w.now {",
			New: "\tif now > w.now {",
		},
		{
			Name: "level of the wrong digit", File: "wheel.go",
			Old: "uint(bits.Len64(t.tick^w.now)-1) / digit",
			New: "uint(bits.Len64(t.tick-w.now)-1) / digit",
		},
		{
			Name: "first deadline of a slot not kept", File: "wheel.go",
			Old: "\t\tl.least = min(l.least, t.tick)\n",
			New: "",
		},
		{
			Name: "slot drained a tick early", File: "wheel.go",
			Old: "\tif begin > now {",
			New: "\tif begin > now+1 {",
		},
		{
			Name: "rest of a slot forgotten", File: "wheel.go",
			Old: " || w.draining != nil && w.draining.n != 0 {",
			New: " {",
		},
		{
			Name: "timers that are due at once forgotten", File: "wheel.go",
			Old: "\tif w.lists[dueList].n != 0 || ",
			New: "\tif ",
		},
		{
			Name: "empty block left in its list", File: "wheel.go",
			Old: "\t\tl.cut(b)\n",
			New: "",
		},
		{
			Name: "block used after it was given up", File: "wheel.go",
			Old: "\t\tl.cut(b)\n\t\tw.blocks.put(b)\n",
			New: "\t\tw.blocks.put(b)\n\t\tl.cut(b)\n",
		},
		{
			Name: "slot drained with holes outstanding", File: "wheel.go",
			Old: "func (w *wheel) expire(now uint64, moves *int) *Timer {\n\tw.tidy()\n",
			New: "func (w *wheel) expire(now uint64, moves *int) *Timer {\n",
		},
		{
			Name: "stopped timers kept by a wheel that has none", File: "wheel.go",
			Old: " || w.pending == 0 {",
			New: " {",
		},
		{
			Name: "block given up by a list that has others, and kept by one that has not", File: "wheel.go",
			Old: "\tcase b.next == nil && b.prev == nil:",
			New: "\tcase b.next == nil:",
		},
		{
			Name: "hole of another place", File: "wheel.go",
			Old: "w.holes.add(hole{b, uint16(i), t.place})",
			New: "w.holes.add(hole{b, uint16(i), b.start})",
		},
		{
			Name: "hole not made", File: "block.go",
			Old: "\tb.timers[place] = nil\n",
			New: "",
		},
		{
			Name: "ticks that were missed sent one by one", File: "channel.go",
			Old: "c.period*(1+max(0, now-c.when)/c.period)",
			New: "c.period",
		},
	})
}
