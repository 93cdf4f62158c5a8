package future

import (
	"github.com/pinwheel-sched/pinwheel/internal/atom"
)

// How a future works.
//
// Its head is a stack of listeners, to which anybody pushes by compare-and-swap, until a final node takes their place:
// &settled, when the value has been written, or a verdict, which has an error, be it a failure or a cancellation.
//
//	            listen                          settle
//	nil <--------------> n2 -> n1 -> nil  ------------------> &settled or a verdict
//	      take, put back
//
// Whoever swaps in the final node has the stack, and tells those in it (spread): once, and each listener is told once. That
// also decides between an outcome and a cancellation. A value is written before the swap, by the only one who may: a derived
// future has one source, and several who might settle a promise compete by claim. A verdict is settled without further ado.
//
// Listeners cannot be taken out of the middle of a stack. One that has lost interest counts itself (forget), and when there
// are as many as others, somebody takes the whole stack, and puts back those that still listen. If the future is settled
// between the two, who finds the final node in its way tells those it holds itself.
type core struct {
	head    atom.Pointer[node]
	claimed atom.Bool
	deaf    atom.Int32 // listeners that have lost interest, less what is allowed
	node               // as the listener of its source; self also says what to cancel
}

// A node is a listener's place in a stack, and later in the queues of a delivery.
type node struct {
	next *node
	self listener
}

// A listener waits for its source to be settled.
type listener interface {
	// hear is told that the source is settled. It runs none of the user's code: if it must, it reports that a call is due.
	hear(d *delivery) (due bool)
	// over reports whether it need not be told any more.
	over() bool
	// call runs the user's code, and returns the listeners of what that has settled.
	call() (listeners *node)
	// fail is told that call has panicked, or is not going to be called.
	fail(d *delivery, err error)
	// abandon is told that the future that it belongs to has been cancelled.
	abandon(d *delivery, v *verdict)
}

// plain is embedded in listeners that are not futures.
type plain struct{}

func (plain) call() *node                 { return nil }
func (plain) fail(*delivery, error)       {}
func (plain) abandon(*delivery, *verdict) {}

// A verdict is the final node of futures that have failed, or were cancelled. It is passed on from source to derived future.
type verdict struct {
	plain
	node
	err error
	*fate
}

func newVerdict(err error) *verdict {
	v := &verdict{err: err}
	v.self = v
	return v
}

func (v *verdict) hear(*delivery) bool { return false }
func (v *verdict) over() bool          { return false }

// settled is the final node of futures with a value.
var settled = node{self: (*verdict)(nil)}

// verdictOf returns the verdict that a final node is, nil for settled. It reports whether the node is final.
func verdictOf(head *node) (v *verdict, final bool) {
	if head == nil {
		return nil, false
	}
	v, final = head.self.(*verdict)
	return v, final
}

// isFinal reports whether the future is settled.
func (c *core) isFinal() bool {
	_, final := verdictOf(c.head.Load())
	return final
}

// verdict returns the verdict of a future that is settled; nil if it has a value.
func (c *core) verdict() *verdict {
	v, _ := verdictOf(c.head.Load())
	return v
}

// claim decides between those who want to settle the future. The winner may write the value.
func (c *core) claim() bool { return c.claimed.CompareAndSwap(false, true) }

// settle makes a node the final one. It returns those to be told, or false if there was a final one before.
func (c *core) settle(by *node) (listeners *node, ok bool) {
	for {
		top := c.head.Load()
		if _, final := verdictOf(top); final {
			by.self.(*verdict).drop()
			return nil, false
		}
		if c.head.CompareAndSwap(top, by) {
			return top, true
		}
	}
}

// listen has n told when the future is settled. It reports false if that is so already.
func (c *core) listen(n *node) bool {
	for {
		top := c.head.Load()
		if _, final := verdictOf(top); final {
			n.next = nil // what was on top before
			return false
		}
		if n.next != top {
			n.next = top
		}
		if c.head.CompareAndSwap(top, n) {
			return true
		}
	}
}

// forgetAfter is how many listeners may have lost interest before somebody sees to it.
const forgetAfter = 16

// forget is called when a listener has lost interest: its over is true. So as not to take the stack each time, that is put off
// until as many have gone as stayed the last time.
func (c *core) forget() {
	if c.deaf.Add(1) < forgetAfter {
		return
	}
	var kept *node
	live := int32(0)
	for n := c.take(); n != nil; {
		next := n.next
		if !n.self.over() {
			n.next, kept = kept, n
			live++
		}
		n = next
	}
	c.deaf.Store(-live)
	c.putBack(kept)
}

// take takes the listeners away, if the future is not settled. They must be put back.
func (c *core) take() *node {
	for {
		top := c.head.Load()
		if _, final := verdictOf(top); final || top == nil {
			return nil
		}
		if c.head.CompareAndSwap(top, nil) {
			return top
		}
	}
}

// putBack undoes take. If the future has been settled meanwhile, it tells them.
func (c *core) putBack(listeners *node) {
	if listeners == nil {
		return
	}
	last := listeners
	for last.next != nil {
		last = last.next
	}
	for {
		top := c.head.Load()
		if _, final := verdictOf(top); final {
			last.next = nil
			spread(listeners)
			return
		}
		last.next = top
		if c.head.CompareAndSwap(top, listeners) {
			return
		}
	}
}
