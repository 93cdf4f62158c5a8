//go:build mc

package deque

import (
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/mc/mutant"
)

// Every line on which the protocol rests is broken once, and the explorer must notice.
func TestMutantsAreFound(t *testing.T) {
	const file = "deque.go"
	mutant.Check(t, "mc", "^TestExplore", []mutant.Mutant{
		{
			Name: "last element popped without compare-and-swap", File: file,
			Old: "\tif !d.top.CompareAndSwap(t, t+1) {\n\t\td.tidy(t+1, t+1, 0)",
			New: "\tif d.top.Store(t + 1); x == nil {\n\t\td.tidy(t+1, t+1, 0)",
		},
		{
			Name: "element stolen without compare-and-swap", File: file,
			Old: "\tif !d.top.CompareAndSwap(t, t+1) {\n\t\treturn nil, Lost",
			New: "\tif d.top.Store(t + 1); x == nil {\n\t\treturn nil, Lost",
		},
		{
			Name: "top read before bottom is claimed", File: file,
			Old: "\tt = d.top.Load()\n\tif int64(b-t) <= 0",
			New: "\tif int64(b-t) <= 0",
		},
		{
			Name: "last element popped without a race", File: file,
			Old: "\tt = d.top.Load()\n\tif int64(b-t) <= 0",
			New: "\tt = d.top.Load()\n\tif int64(b-t) < 0",
		},
		{
			Name: "claim not given back", File: file,
			Old: "\t\td.bottom.Store(b + 1)\n\t\treturn o.Pop()",
			New: "\t\treturn o.Pop()",
		},
		{
			Name: "thief reads bottom before top", File: file,
			Old: "\tt := d.top.Load()\n\tb := d.bottom.Load() // After",
			New: "\tb := d.bottom.Load()\n\tt := d.top.Load() // After",
		},
		{
			Name: "thief takes what is not there", File: file,
			Old: "\tif int64(b-t) <= 0 {\n\t\treturn nil, Empty",
			New: "\tif int64(b-t) < 0 {\n\t\treturn nil, Empty",
		},
		{
			Name: "thief reads the slot after moving top", File: file,
			Old: "\tx := r.at(t).Load() // Before moving top: after that, the slot may be reused.\n\tif !d.top.CompareAndSwap(t, t+1) {\n\t\treturn nil, Lost\n\t}\n",
			New: "\tif !d.top.CompareAndSwap(t, t+1) {\n\t\treturn nil, Lost\n\t}\n\tx := r.at(t).Load()\n",
		},
		{
			Name: "thief reads the ring before the indices", File: file,
			Old: "\tt := d.top.Load()\n\tb := d.bottom.Load() // After top: an older bottom may count an element that the owner has taken since.\n\tif int64(b-t) <= 0 {\n\t\treturn nil, Empty\n\t}\n\tr := *d.ring.Load()",
			New: "\tr := *d.ring.Load()\n\tt := d.top.Load()\n\tb := d.bottom.Load()\n\tif int64(b-t) <= 0 {\n\t\treturn nil, Empty\n\t}\n",
		},
		{
			Name: "thief clears the slot", File: file,
			Old: "\treturn x, OK",
			New: "\tr.at(t).Store(nil)\n\treturn x, OK",
		},
		{
			Name: "owner clears the slot of a claimed element", File: file, Harmless: true,
			Old: "\tx := d.slots.at(b).Load()\n",
			New: "\tx := d.slots.at(b).Load()\n\td.slots.at(b).Store(nil)\n",
		},
		{
			Name: "old ring reused", File: file,
			Old: "\td.slots, d.topSeen, d.low, d.high = r, t, t, b",
			New: "\td.clear(t, b)\n\td.slots, d.topSeen, d.low, d.high = r, t, t, b",
		},
		{
			Name: "ring published before its elements", File: file,
			Old: "\tfor i := t; i != b; i++ {",
			New: "\td.ring.Store(&r)\n\tfor i := t; i != b; i++ {",
		},
		{
			Name: "new ring not published", File: file,
			Old: "\td.ring.Store(&r) // After",
			New: "\tif t == b {\n\t\td.ring.Store(&r)\n\t} // After",
		},
		{
			Name: "owner goes on with the old ring", File: file,
			Old: "\td.slots, d.topSeen, d.low, d.high = r, t, t, b",
			New: "\tif t == b {\n\t\td.slots = r\n\t}\n\td.topSeen, d.low, d.high = t, t, b",
		},
		{
			Name: "one element too many in the ring", File: file,
			Old: "\td.topSeen = d.top.Load()\n\tif b-d.topSeen >= uint64(len(d.slots)) {",
			New: "\td.topSeen = d.top.Load()\n\tif b-d.topSeen > uint64(len(d.slots)) {",
		},
		{
			Name: "bottom published before the slot", File: file,
			Old: "\td.slots.at(b).Store(x)\n",
			New: "\td.bottom.Store(b + 1)\n\td.slots.at(b).Store(x)\n",
		},
		{
			Name: "empty decided without regard to sign", File: file,
			Old: "\tif int64(b-t) < 0 { // Only",
			New: "\tif b < t { // Only",
		},
		{
			Name: "slots cleared that have been reused", File: file,
			Old: "\t\t\tfrom = b - c //",
			New: "\t\t\t//",
		},
		{
			Name: "a slot too many cleared at the top", File: file,
			Old: "\t\td.clear(from, t)",
			New: "\t\td.clear(from, t+1)",
		},
		{
			Name: "a slot too many cleared at the bottom", File: file,
			Old: "\t\td.clear(b, d.high)",
			New: "\t\td.clear(b-1, d.high)",
		},
		{
			Name: "stolen elements not cleared", File: file,
			Old: "\t\td.clear(from, t)\n",
			New: "",
		},
		{
			Name: "popped elements not cleared", File: file,
			Old: "\t\td.clear(b, d.high)\n",
			New: "",
		},
		{
			Name: "ring shrunk below its elements", File: file,
			Old: "b-t < uint64(c/8)",
			New: "b-t < uint64(c)",
		},
		{
			Name: "bottom read before top to find it empty", File: file,
			Old: "\tt := d.top.Load() // Before bottom: see Thief.Empty.\n\treturn max(0, int(int64(d.bottom.Load()-t)))",
			New: "\tb := d.bottom.Load()\n\treturn max(0, int(int64(b-d.top.Load())))",
		},
	})
}
