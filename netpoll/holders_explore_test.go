//go:build mc && linux && !pinwheel_portable

package netpoll

import (
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/mc"
	"github.com/pinwheel-sched/pinwheel/internal/mc/mutant"
)

// A descriptor is given back once, when it is closed and nobody uses it any more, whether its count is being spread or not.
func TestExploreHolders(t *testing.T) {
	defer func(n int) { spreadHolds = n }(spreadHolds)
	spreadHolds = 2
	for _, spread := range []bool{false, true} {
		mc.Explore(t, mc.Config{Preemptions: 3}, func(r *mc.Run) {
			var (
				h          holders
				held, back atom.Int32
			)
			if spread {
				more := make([]paddedHold, spreadHolds)
				h.spread.Store(&more)
			}
			giveBack := func() {
				if back.Add(1) > 1 {
					r.Fatalf("given back twice")
				}
				if held.Load() != 0 {
					r.Fatalf("given back while it is held")
				}
			}
			for who := range uint(2) {
				r.Go("user", func() {
					c := h.take(who)
					if c == nil {
						return
					}
					held.Add(1)
					if back.Load() != 0 {
						r.Fatalf("used after it was given back")
					}
					held.Add(-1)
					if h.letGo(c) {
						giveBack()
					}
				})
			}
			for range 2 {
				r.Go("closer", func() {
					if _, last := h.close(); last {
						giveBack()
					}
				})
			}
			r.Finally(func() {
				if back.Load() == 0 {
					r.Fatalf("not given back")
				}
				if h.take(0) != nil {
					r.Fatalf("taken after it was closed")
				}
				if ok, _ := h.close(); ok {
					r.Fatalf("closed again")
				}
			})
		})
	}
}

func TestMutantsAreFoundInHolders(t *testing.T) {
	mutant.Check(t, "mc", "^TestExploreHolders", []mutant.Mutant{
		{
			Name: "a closed count is taken", File: "holders_linux.go",
			Old: "\t\tif n&descClosed != 0 {\n\t\t\treturn nil\n\t\t}\n", New: "",
		},
		{
			Name: "a count is spread after it was closed", File: "holders_linux.go",
			Old: "\th.spread.CompareAndSwap(nil, &notSpread) // so that there will be no more counts than are closed here\n", New: "",
		},
		{
			Name: "a count is spread twice", File: "holders_linux.go",
			Old: "h.spread.CompareAndSwap(nil, &more)", New: "h.spread.Store(&more)",
		},
		{
			Name: "it is not said how many counts there are before they are closed", File: "holders_linux.go",
			Old: "\th.unempty.Store(int32(1 + len(more)))\n\tlast = h.shut(&h.first)\n",
			New: "\tlast = h.shut(&h.first)\n\th.unempty.Store(int32(1 + len(more)))\n",
		},
		{
			Name: "the first count is forgotten", File: "holders_linux.go",
			Old: "h.unempty.Store(int32(1 + len(more)))", New: "h.unempty.Store(int32(max(1, len(more))))",
		},
		{
			Name: "two close", File: "holders_linux.go",
			Old: "if !h.closed.CompareAndSwap(false, true) {", New: "if h.closed.Load() {",
		},
		{
			Name: "who lets go of a count is the last, whatever there is in the others", File: "holders_linux.go",
			Old: "return c.n.Add(^uint32(0)) == descClosed && h.unempty.Add(-1) == 0", New: "return c.n.Add(^uint32(0)) == descClosed",
		},
		{
			Name: "who closes the last count is the last, whoever holds it", File: "holders_linux.go",
			Old: "return c.n.Or(descClosed) == 0 && h.unempty.Add(-1) == 0", New: "c.n.Or(descClosed)\n\treturn h.unempty.Add(-1) == 0",
		},
	})
}
