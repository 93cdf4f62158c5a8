package sched

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/netpoll"
	"github.com/pinwheel-sched/pinwheel/timer"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// events is the event loop of a scheduler: the timer wheels, with a shard for each worker, and the poller, whose thread turns
// them and waits for descriptors when no worker does. It is made on first use.
type events struct {
	pool   *worker.Pool
	wheels *timer.Wheels
	poller *netpoll.Poller
	disk   *netpoll.Disk
}

// restGrace is for how long after a timer has become due the thread leaves it to a worker that sleeps until then. The worker
// needs less than a tenth of it to wake up; it may have got other work meanwhile, and be late.
const restGrace = 500 * time.Microsecond

func newEvents(pool *worker.Pool, tick time.Duration, files netpoll.Backend) (*events, error) {
	e := &events{pool: pool}
	w, err := timer.New(timer.Config{Workers: pool.Limit(), Tick: tick, Run: e.callBack})
	if err != nil {
		return nil, err
	}
	p, err := netpoll.New(netpoll.Config{Wheels: w})
	if err != nil {
		return nil, err
	}
	e.wheels, e.poller = w, p
	e.disk = netpoll.NewDisk(netpoll.DiskConfig{Poller: p, Workers: pool.Size(), Backend: files})
	return e, nil
}

// Turn, Rest, Watch, Deliver, Rouse, Rise and Close make it a [worker.Loop].

func (e *events) Turn(worker int, now time.Duration) (due, ready bool) {
	return e.wheels.Shard(worker).Poll(now) > 0, e.poller.Poll() > 0
}

func (e *events) Rest(worker int) (until time.Duration) {
	if worker < 0 { // the wheel for everybody else is the thread's to watch
		return math.MaxInt64
	}
	s := e.wheels.Shard(worker)
	s.Attend(restGrace) // before Next: a timer that is started between the two is left to the driver for no longer than that
	until, _ = s.Next()
	return until
}

func (e *events) Watch(word *atom.Uint32, until time.Duration) (watched, found bool) {
	return e.poller.Watch(word, until)
}

func (e *events) Deliver() { e.poller.Deliver() }

func (e *events) Rouse(word *atom.Uint32) { e.poller.Rouse(word) }

func (e *events) Rise(worker int, word *atom.Uint32) {
	if worker >= 0 {
		e.wheels.Shard(worker).Leave()
	}
	e.poller.Rise(word)
}

func (e *events) Close() {
	e.disk.Close()
	_ = e.poller.Close()
	e.wheels.Close()
}

// eventsOf returns the event loop of a pool. It fails with [ErrClosed] if the pool is closed.
func eventsOf(pool *worker.Pool) (*events, error) {
	l, err := pool.Loop()
	if err != nil {
		return nil, err
	}
	return l.(*events), nil
}

// shardOf returns the wheel that is nearest to the caller: that of the worker it runs on, or the one for everybody else.
func shardOf(ctx context.Context) (*timer.Shard, error) {
	t, pool := where(ctx)
	e, err := eventsOf(pool)
	if err != nil {
		return gone().Shard(-1), err
	}
	if t == nil {
		return e.wheels.Shard(-1), nil
	}
	return e.wheels.Shard(t.Worker()), nil
}

// gone are wheels that are closed, for timers that are started on a scheduler that is: they never fire.
var gone = sync.OnceValue(func() *timer.Wheels {
	w, err := timer.New(timer.Config{})
	if err != nil {
		panic(err)
	}
	w.Close()
	return w
})
