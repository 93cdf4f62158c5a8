package netpoll

import (
	"net"
	"sync"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/timer"
)

// Config says how to make a [Poller].
type Config struct {
	// Wheels are what the poller drives: it becomes what package timer calls their driver, so that nobody else may call
	// Wheels.Next. They must be new. The poller does not close them. If it is nil, the poller has wheels of its own.
	Wheels *timer.Wheels
}

// A Poller waits for descriptors and timers on behalf of tasks and goroutines. Its methods may be called from anywhere.
type Poller struct {
	wheels *timer.Wheels
	own    bool // the wheels are its own

	phase atom.Uint32
	mu    sync.Mutex // held to leave a phase
	gone  chan struct{}

	engine
}

// The phases of a poller.
const (
	pollerResting uint32 = iota // nothing has been started
	pollerRunning
	pollerClosed
)

// New returns a poller. It starts nothing: the first timer or the first descriptor does.
func New(c Config) (*Poller, error) {
	p := &Poller{wheels: c.Wheels, gone: make(chan struct{})}
	if p.wheels == nil {
		w, err := timer.New(timer.Config{})
		if err != nil {
			return nil, err
		}
		p.wheels, p.own = w, true
	}
	p.init()
	p.wheels.SetWake(p.wake)
	p.wheels.Next() // from now on the first timer calls wake
	return p, nil
}

// Wheels returns the wheels that the poller drives.
func (p *Poller) Wheels() *timer.Wheels { return p.wheels }

// Poll delivers what is ready, and returns how many events that were. It does not block, and returns at once with 0 while
// another caller is at it. Timers are not its business: a worker polls its own shard of the wheels.
//
// It is for workers: before they park, and at safe points. It costs about 250 ns if nothing is ready, and a few
// nanoseconds if nothing is registered.
func (p *Poller) Poll() (n int) {
	if p.phase.Load() != pollerRunning {
		return 0
	}
	return p.pollDescriptors()
}

// wake is called when a timer is started that is due before the thread's plan. It may be called under any lock.
func (p *Poller) wake() {
	switch p.phase.Load() {
	case pollerRunning:
		p.kick()
	case pollerResting:
		go func() { _ = p.start() }() // without a thread for descriptors there is one for timers
	}
}

// start starts the thread unless it runs. It fails if the system refuses what it takes to wait for descriptors; then timers
// are driven all the same.
func (p *Poller) start() error {
	if p.phase.Load() == pollerRunning {
		return p.refused
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.phase.Load() {
	case pollerClosed:
		return net.ErrClosed
	case pollerResting:
		p.launch()
		p.begin(p.run)
	}
	return p.refused
}

// begin is the moment from which on timers that are started wake the thread, which run starts. It comes before the thread has a
// plan: who finds that too late must not find the poller resting.
func (p *Poller) begin(run func()) {
	p.phase.Store(pollerRunning)
	run()
}

// Close closes the connections and listeners that are left, so that calls that wait for them end with [net.ErrClosed], and
// leaves no thread, goroutine or descriptor behind. Timers stay in the wheels, and nobody fires them any more. It may be called
// more than once, and waits until all is gone.
func (p *Poller) Close() error {
	p.mu.Lock()
	before := p.phase.Swap(pollerClosed)
	p.mu.Unlock()
	if before == pollerClosed {
		<-p.gone
		return nil
	}
	if before == pollerRunning {
		p.shut()
	}
	if p.own {
		p.wheels.Close()
	}
	close(p.gone)
	return nil
}
