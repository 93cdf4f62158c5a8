package sched

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/pinwheel-sched/pinwheel/netpoll"
	"github.com/pinwheel-sched/pinwheel/timer"
	"github.com/pinwheel-sched/pinwheel/worker"
)

// A Task is the handle of a running task, and its context: Done, Err, Deadline and Value are those of a [context.Context] that
// ends when the task is cancelled or over. It must be given to forks, loops and [Yield] on the task's own goroutine only, until
// the task's function returns; as a context it may be passed on and outlive the task. See [worker.Task].
type Task = worker.Task

// A PanicError is a panic of a task, on its way to whoever awaits it. Its field Value is what the task panicked with, and Stack
// is where; errors.Is and errors.As see a Value that is an error. See [worker.PanicError].
type PanicError = worker.PanicError

// Stats is a snapshot of a scheduler: see [worker.Stats] for what it counts.
type Stats = worker.Stats

var (
	// ErrClosed says that a scheduler takes no more work, or was closed before the work began.
	ErrClosed = worker.ErrClosed

	// ErrGoexit is the error of a task that left by runtime.Goexit.
	ErrGoexit = worker.ErrGoexit
)

// A Scheduler is a pool of workers. Make one with [New], or use [Default].
type Scheduler struct {
	pool     *worker.Pool
	settings []Setting
	ended    func() error // called once, when all has ended; may be nil
	finish   sync.Once
	logger   *slog.Logger // or nil

	moving  sync.Mutex // held while workers are placed
	share   share
	failure error // of ended
}

// New returns a scheduler. Options go before the environment (see [Environment]), the environment before the defaults. It
// returns an error that names the option or variable, its value and what is accepted.
//
// New starts no thread: workers start when there is work for them. Call [Scheduler.Shutdown] or [Scheduler.Close] when the
// scheduler is not needed any more.
func New(opts ...Option) (*Scheduler, error) {
	c, err := configure(opts)
	if err != nil {
		return nil, err
	}
	return c.build()
}

var defaultScheduler = sync.OnceValue(func() *Scheduler {
	c, err := configure(nil)
	if err != nil {
		fmt.Fprintf(os.Stderr, "pinwheel: %v; the default is used instead\n", err)
	}
	s, err := c.build()
	if err != nil {
		panic(err) // defaults are valid
	}
	return s
})

// Default returns the scheduler that is used where a context names none. It is made on first use, with the settings of the
// environment. If a variable there is wrong, that is printed once on stderr, and its default is used. It must not be closed.
func Default() *Scheduler { return defaultScheduler() }

// Sequential returns a scheduler without workers, for debugging: it runs tasks one after the other. All calls work as they do
// with any other scheduler; a program that behaves differently under it depends on the order in which tasks run.
//
//	ctx = sched.With(ctx, sched.Sequential())
//
// [Run], loops and other calls that wait for a task run that task on the calling goroutine: a debugger or a stack trace shows
// the task together with its caller. [Go] from outside runs the task until it ends or waits, and whatever else can run then,
// before it returns; inside a task it queues the new one. When a task waits, the next one runs, in the order in which tasks
// became ready or were submitted; so it does at a [Yield], if there is a task whose wait is over. Forks run when they are
// joined, unless their task waits before. So a program whose tasks wait for nothing but each other takes the same course each
// time.
//
// There are these differences. A task that waits natively for what its caller does after Go, on a channel say, waits for ever.
// runtime.Goexit in a task that was started by Run ends the calling goroutine, too. Callbacks that futures run outside of
// tasks have goroutines of their own, as ever.
//
// Several goroutines may use it; their tasks then take turns, in an order that depends on the goroutines. It starts nothing,
// so it need not be closed. A task costs about a microsecond, a fork what it costs elsewhere.
func Sequential() *Scheduler {
	var pool *worker.Pool
	pool, err := worker.NewSequence(worker.Config{
		Loop: func() (worker.Loop, error) { return newEvents(pool, timer.DefaultTick, netpoll.Auto) },
	})
	if err != nil {
		panic(err) // the configuration is valid
	}
	return &Scheduler{pool: pool}
}

type key struct{}

// With returns a context under which all calls of this module use s. It panics if s is nil.
func With(ctx context.Context, s *Scheduler) context.Context {
	if s == nil {
		panic("pinwheel: With a nil scheduler")
	}
	return context.WithValue(ctx, key{}, s.pool)
}

// where says where work that is started under ctx goes: to the pool p that ctx names, or that of the task that runs here, or
// the default one. t is the task that runs here, if it is one of p's: then work may be done in place.
func where(ctx context.Context) (t *Task, p *worker.Pool) {
	t = worker.Here(ctx)
	if t != nil && ctx == context.Context(t) {
		return t, worker.PoolOf(t)
	}
	if p, _ = ctx.Value(key{}).(*worker.Pool); p == nil {
		if p = worker.PoolOf(ctx); p == nil && t != nil {
			p = worker.PoolOf(t)
		}
		if p == nil {
			p = Default().pool
		}
	}
	if t != nil && worker.PoolOf(t) != p {
		t = nil
	}
	return t, p
}

// Shutdown stops taking work, waits for what was taken, and leaves no goroutine, thread, descriptor or affinity mask behind.
// If ctx is done first it returns ctx's error, and may be called again. Called by a task of s, it returns an error at once.
func (s *Scheduler) Shutdown(ctx context.Context) error { return s.over(s.pool.Shutdown(ctx)) }

// Close cancels what was taken and then does what Shutdown does. Tasks that have not begun end with [ErrClosed], but for those of
// [Submit], which are called; those that have begun see their context cancelled, and Close waits for them.
func (s *Scheduler) Close() error { return s.over(s.pool.Close()) }

// over does what is left when the pool has ended, which err says by being nil.
func (s *Scheduler) over(err error) error {
	if err != nil {
		return err
	}
	s.finish.Do(func() {
		s.log(slog.LevelInfo, "scheduler ended")
		if s.ended != nil {
			s.failure = s.ended()
		}
	})
	return s.failure
}

// Stats returns a snapshot of what s has done and does. It costs under a microsecond for each worker.
func (s *Scheduler) Stats() Stats { return s.pool.Stats() }

// Workers returns how many tasks compute at once.
func (s *Scheduler) Workers() int { return s.pool.Size() }
