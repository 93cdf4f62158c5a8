//go:build mc

package future

import (
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/mc/mutant"
)

// Every line on which the protocol rests is broken once, and the explorer must notice.
func TestMutantsAreFound(t *testing.T) {
	mutant.Check(t, "mc", "^TestExplore", []mutant.Mutant{
		{
			Name: "a final node replaced by another", File: "core.go",
			Old: "\t\tif _, final := verdictOf(top); final {\n\t\t\tby.self.(*verdict).drop()\n\t\t\treturn nil, false",
			New: "\t\tif _, final := verdictOf(top); final && by == top {\n\t\t\treturn nil, false",
		},
		{
			Name: "settled without compare-and-swap", File: "core.go",
			Old: "\t\tif c.head.CompareAndSwap(top, by) {",
			New: "\t\tif c.head.Store(by); by != nil {",
		},
		{
			Name: "settling without a claim", File: "core.go",
			Old: "return c.claimed.CompareAndSwap(false, true)",
			New: "return true",
		},
		{
			Name: "claimed in two steps", File: "core.go",
			Old: "{ return c.claimed.CompareAndSwap(false, true) }",
			New: "{ ok := !c.claimed.Load(); c.claimed.Store(true); return ok }",
		},
		{
			Name: "the value written after it was published", File: "future.go",
			Old: "\tf.value = value\n\tlisteners, ok = f.settle(&settled)\n\tif !ok {",
			New: "\tlisteners, ok = f.settle(&settled)\n\tf.isFinal()\n\tif f.value = value; !ok {",
		},
		{
			Name: "listening to a future that is settled", File: "core.go",
			Old: "\t\tif _, final := verdictOf(top); final {\n\t\t\tn.next = nil",
			New: "\t\tif _, final := verdictOf(top); final && n.next != nil {\n\t\t\tn.next = nil",
		},
		{
			Name: "a listener that came too late keeps its link", File: "core.go",
			Old: "\t\t\tn.next = nil // what was on top before\n",
			New: "",
		},
		{
			Name: "listening without compare-and-swap", File: "core.go",
			Old: "\t\tif c.head.CompareAndSwap(top, n) {",
			New: "\t\tif c.head.Store(n); n != nil {",
		},
		{
			Name: "the listeners taken without compare-and-swap", File: "core.go",
			Old: "\t\tif c.head.CompareAndSwap(top, nil) {",
			New: "\t\tif c.head.Store(nil); top != nil {",
		},
		{
			Name: "the listeners of a settled future taken", File: "core.go",
			Old: "\t\tif _, final := verdictOf(top); final || top == nil {",
			New: "\t\tif top == nil {",
		},
		{
			Name: "listeners put back on a settled future", File: "core.go",
			Old: "\t\tif _, final := verdictOf(top); final {\n\t\t\tlast.next = nil",
			New: "\t\tif _, final := verdictOf(top); final && last == nil {\n\t\t\tlast.next = nil",
		},
		{
			Name: "listeners put back not told", File: "core.go",
			Old: "\t\t\tspread(listeners)\n\t\t\treturn\n",
			New: "\t\t\treturn\n",
		},
		{
			Name: "those who came meanwhile dropped", File: "core.go",
			Old: "\t\tlast.next = top\n",
			New: "",
		},
		{
			Name: "the living forgotten", File: "core.go",
			Old: "\t\tif !n.self.over() {",
			New: "\t\tif n.self.over() {",
		},
		{
			Name: "the owner not told of a cancellation", File: "delivery.go",
			Old: "\t\t\tc.of.abandoned(d, c.by)\n",
			New: "",
		},
		{
			Name: "the owner told of a cancellation that came too late", File: "delivery.go",
			Old: "\t\tif listeners, ok := c.of.settle(&c.by.node); ok {",
			New: "\t\tif listeners, ok := c.of.settle(&c.by.node); ok || listeners == nil {",
		},
		{
			Name: "a cancellation that does not go on", File: "future.go",
			Old: "\tc.abandoned(d, v)\n\td.finish()",
			New: "\tc.abandoned(d, v)",
		},
		{
			Name: "a call made twice", File: "job.go",
			Old: "\tn := j.calls.pop()",
			New: "\tn := j.calls.first",
		},
		{
			Name: "calls left to nobody", File: "job.go",
			Old: "\t\tn.next = nil\n\t\tspawn(others)",
			New: "\t\tn.next = nil",
		},
		{
			Name: "a callback called though its future is cancelled", File: "then.go", Harmless: true,
			Old: "func (l *mapped[T, U]) call() *node {\n\tif l.cancelled() {",
			New: "func (l *mapped[T, U]) call() *node {\n\tif l.fn == nil {",
		},
		{
			Name: "further calls left to nobody", File: "job.go",
			Old: "\t\tj.calls = queue{}\n\t\tspawn(others.first)",
			New: "\t\tj.calls = queue{}",
		},
		{
			Name: "a combination complete before it has heard of all sources", File: "combine.go",
			Old: "g.left.Store(int64(len(sources)) + 1)",
			New: "g.left.Store(int64(len(sources)))",
		},
		{
			Name: "a combination decided twice", File: "combine.go",
			Old: "\tif !g.claim() {\n\t\treturn\n\t}\n",
			New: "",
		},
		{
			Name: "sources that are settled already overlooked", File: "combine.go",
			Old: "\t\t\td.news.push(&s.node)\n",
			New: "",
		},
		{
			Name: "the losers not cancelled", File: "combine.go",
			Old: "\t\td.tell(listeners)\n\t\tg.cancelSources(d, notNeeded)",
			New: "\t\td.tell(listeners)",
		},
		{
			Name: "the loop over outcomes waits in secret", File: "combine.go",
			Old: "\t\tc.waiter = w\n\t\tc.guard.Unlock()",
			New: "\t\tc.guard.Unlock()\n\t\tc.guard.Lock()\n\t\tc.waiter = w\n\t\tc.guard.Unlock()",
		},
		{
			Name: "the loop over outcomes not woken", File: "combine.go",
			Old: "\tif w != nil {\n\t\tw.Wake()",
			New: "\tif w == nil {\n\t\treturn",
		},
	})
}
