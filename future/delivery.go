package future

// A delivery tells listeners, and those who listen to them, and so on. However long the chain, it does not grow the stack:
// whoever is told and is settled by it adds its own listeners to the queue.
type delivery struct {
	news    queue    // to be told
	calls   queue    // with user's code to run
	cancels []cancel // futures to be cancelled
}

type cancel struct {
	of *core
	by *verdict
}

// A queue is a list of nodes.
type queue struct{ first, last *node }

func (q *queue) push(n *node) {
	n.next = nil
	if q.last == nil {
		q.first = n
	} else {
		q.last.next = n
	}
	q.last = n
}

func (q *queue) pop() *node {
	n := q.first
	if n == nil {
		return nil
	}
	if q.first = n.next; q.first == nil {
		q.last = nil
	}
	n.next = nil
	return n
}

// oldestFirst turns a stack of listeners round.
func oldestFirst(listeners *node) (first *node) {
	for n := listeners; n != nil; {
		n.next, first, n = first, n, n.next
	}
	return first
}

// tell adds the listeners of a future that has been settled.
func (d *delivery) tell(listeners *node) {
	first := oldestFirst(listeners)
	if first == nil {
		return
	}
	if d.news.last == nil {
		d.news.first = first
	} else {
		d.news.last.next = first
	}
	d.news.last = listeners
}

// cancel adds a future that is to be cancelled.
func (d *delivery) cancel(c *core, v *verdict) { d.cancels = append(d.cancels, cancel{c, v}) }

// run tells all there are to be told. What is left then is d.calls.
func (d *delivery) run() {
	for {
		if n := d.news.pop(); n != nil {
			if n.self.hear(d) {
				d.calls.push(n)
			}
			continue
		}
		last := len(d.cancels) - 1
		if last < 0 {
			return
		}
		c := d.cancels[last]
		d.cancels[last] = cancel{}
		d.cancels = d.cancels[:last]
		if listeners, ok := c.of.settle(&c.by.node); ok {
			d.tell(listeners)
			c.of.abandoned(d, c.by)
		}
	}
}

// finish runs the delivery and has the calls made.
func (d *delivery) finish() {
	d.run()
	if d.calls.first != nil {
		spawn(d.calls.first)
	}
}

// spread tells the listeners of a future that has been settled.
func spread(listeners *node) {
	var d *delivery
	for n := oldestFirst(listeners); n != nil; {
		next := n.next // n may be used no more after the wake
		switch l := n.self.(type) {
		case *awaiter:
			l.Wake()
		default:
			if d == nil {
				d = &delivery{}
			}
			d.news.push(n)
		}
		n = next
	}
	if d != nil {
		d.finish()
	}
}
