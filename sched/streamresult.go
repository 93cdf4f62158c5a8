package sched

import (
	"context"
	"runtime"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/park"
)

// An outlet is where results wait for the consumer: cells in pages. In an ordered stream a result has a cell of its own from the
// beginning, where its input is; in an unordered one it gets the next free cell.
//
// Results are awaited by the gulp. To wake the consumer costs microseconds if it is a goroutine, more than a cheap item takes, so
// it waits for some more results than the next, as many as come in about the time gulpTime. It marks the cell of the last one it
// waits for; whoever fills that cell finds the mark and rings. For the next result alone it waits without limit.
//
// In case that the marked one is slow, or does not come, a task that has dealt with other items rings after gulpPatience (nudge).
// And if all tasks are slow a timer does. It goes on from one wait to the next, since to set and stop it each time would cost as
// much as the consumer's wake, and as it finds nothing to do while tasks do it, it comes less and less often, down to once in
// patrolMost.
type outlet[R any] struct {
	f    *flow
	head *results[R]              // the first page
	last *results[R]              // the last page of an ordered stream, or nil
	tail atom.Pointer[results[R]] // where unordered results go

	gulp  int64
	again *time.Timer
	armed atom.Uint32   // 1 while the timer runs
	pause time.Duration // of the timer; belongs to whoever has set armed
}

const (
	gulpTime     = 4 * time.Millisecond
	gulpPatience = 8 * time.Millisecond
	patrolMost   = 8 * gulpPatience
	mostGulp     = 4096
	mostCells    = 1024 // of a page of an unordered stream
	ticketSpin   = 64
)

// A place is where a result belongs. In an unordered stream it is nowhere.
type place struct {
	page any // a *results[R]
	i    int
}

// results are a page of cells. Pages are not used again.
type results[R any] struct {
	base  int64
	cells []cell[R]
	taken atom.Uint32 // of an unordered stream: more than there are cells, at times
	next  atom.Pointer[results[R]]
}

type cell[R any] struct {
	state atom.Uint32
	value R
	err   error
}

// The states of a cell. Only the consumer awaits; a task fills, once.
const (
	cellOpen uint32 = iota
	cellAwaited
	cellFilled
)

// await marks the cell. It fails if it has been filled.
func (c *cell[R]) await() bool {
	return c.state.CompareAndSwap(cellOpen, cellAwaited) || c.state.Load() == cellAwaited
}

func newOutlet[R any](f *flow) (*outlet[R], *results[R]) {
	first := newResults[R](0, firstPage)
	o := &outlet[R]{f: f, gulp: 1, head: first, pause: gulpPatience}
	o.tail.Store(first)
	return o, first
}

func newResults[R any](base int64, n int) *results[R] {
	return &results[R]{base: base, cells: make([]cell[R], n)}
}

// page returns a page for the results of n inputs. It is called by the source.
func (o *outlet[R]) page(n int) any {
	if o.last == nil {
		o.last, o.head = o.head, nil // o.tail is not used
	} else {
		o.last = o.last.follow(n)
	}
	return o.last
}

// cell returns the cell i of the page, or of those that follow, or the last that there is.
func (p *results[R]) cell(i int) *cell[R] {
	for i >= len(p.cells) {
		next := p.next.Load()
		if next == nil {
			i = len(p.cells) - 1
			break
		}
		p, i = next, i-len(p.cells)
	}
	return &p.cells[i]
}

func (p *results[R]) follow(n int) *results[R] {
	next := newResults[R](p.base+int64(len(p.cells)), n)
	p.next.Store(next)
	return next
}

// put fills a cell. It is the end of all stages.
func (o *outlet[R]) put(_ *Task, at place, x R, err error) {
	p, i := (*results[R])(nil), at.i
	index := int64(-1) // of an unordered result: all others fail with it
	if at.page != nil {
		p = at.page.(*results[R])
		index = p.base + int64(i)
	} else {
		p, i = o.ticket()
	}
	c := &p.cells[i]
	c.value, c.err = x, err
	if err != nil && err != errDropped {
		o.f.fail(index)
	}
	if c.state.Swap(cellFilled) == cellAwaited {
		o.f.results.ring()
	}
}

// ticket returns the next free cell of an unordered stream.
func (o *outlet[R]) ticket() (*results[R], int) {
	for {
		p := o.tail.Load()
		if i := int(p.taken.Add(1)) - 1; i < len(p.cells) {
			if i == len(p.cells)-1 { // before the cell is filled: the consumer goes on from there
				o.tail.Store(p.follow(min(2*len(p.cells), mostCells)))
			}
			return p, i
		}
		for spins := 1; o.tail.Load() == p; spins++ { // whoever has the last cell is about to add a page
			if atom.Yield(); spins%ticketSpin == 0 {
				runtime.Gosched() // for the garbage collector may have stopped that one, and wait for this goroutine
			}
		}
	}
}

// consume hands the results to the loop.
func (o *outlet[R]) consume(page *results[R], yield func(R, error) bool) {
	f := o.f
	defer o.end()
	var none R
	for i, head := 0, uint64(0); ; {
		if i == len(page.cells) {
			page, i = page.next.Load(), 0
		}
		c := &page.cells[i]
		switch {
		case f.isStopped():
			yield(none, f.reason())
			return
		case c.state.Load() == cellFilled:
			x, err := c.value, c.err
			c.value = none
			i++
			head++
			f.free(head)
			if err != errDropped && (!yield(x, err) || err != nil) {
				return
			}
		case f.total.Load() == head:
			err := f.sourceErr
			if err == nil {
				err = f.reason() // the source may have ended because the flow was stopped just now
			}
			if err == nil {
				err = f.ctx.Err() // or is about to be
			}
			if err != nil {
				yield(none, err)
			}
			return
		default:
			o.await(page, i, head)
		}
	}
}

// await waits until cell i of the page, that of result number head, has been filled, or the stream is over, or for nothing.
func (o *outlet[R]) await(page *results[R], i int, head uint64) {
	f := o.f
	next := &page.cells[i]
	target := next
	if coming := int64(f.pulled.Load() - head); coming > 2 { // pulled may be late, and coming negative
		target = page.cell(i + int(min(coming-coming/4, o.gulp)) - 1)
	}
	w := f.results.announce()
	if target != next && !target.await() {
		target = next // the others have been quicker
	}
	if target == next && !target.await() || f.isStopped() || f.total.Load() == head {
		f.results.waiter.Store(nil)
		return
	}
	start := atom.Now()
	o.sleep(w, start, target != next)
	switch took := atom.Now() - start; {
	case took < gulpTime && o.gulp < mostGulp:
		o.gulp *= 2
	case took > gulpPatience && o.gulp > 1:
		o.gulp /= 2
	}
}

// sleep waits for the bell; not for long, if the next result may come before.
func (o *outlet[R]) sleep(w *park.Waiter, start time.Duration, briefly bool) {
	if briefly {
		o.f.since.Store(int64(start)) // then look whether the timer runs: the mirror image of patrol
		if o.armed.Load() == 0 && o.armed.CompareAndSwap(0, 1) {
			if o.again == nil {
				o.again = time.AfterFunc(time.Hour, o.patrol) // which reads o.again
			}
			o.again.Reset(o.pause)
		}
	}
	if err := w.Wait(context.Background()); err != nil {
		o.f.stop(err)
	}
	o.f.results.waiter.Store(nil)
	o.f.since.Store(0)
}

// patrol is what the timer does: it wakes a consumer that has waited for long enough, and goes on if there is one that has not.
func (o *outlet[R]) patrol() {
	if o.f.nudge(atom.Now()) {
		o.pause = gulpPatience
	} else {
		o.pause = min(2*o.pause, patrolMost)
	}
	if o.f.since.Load() == 0 {
		o.armed.Store(0) // then look again: the mirror image of sleep
		if o.f.since.Load() == 0 || !o.armed.CompareAndSwap(0, 1) {
			return
		}
	}
	o.again.Reset(o.pause)
}

// end leaves nothing behind.
func (o *outlet[R]) end() {
	o.f.finish()
	if o.again != nil {
		o.again.Stop()
	}
}
