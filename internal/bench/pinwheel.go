package bench

import (
	"context"
	"encoding/json"

	"github.com/pinwheel-sched/pinwheel/sched"
)

// A pool is a scheduler for the length of a run.
type pool struct {
	ctx       context.Context // carries the scheduler
	scheduler *sched.Scheduler
}

// startPool starts a scheduler and gives each worker something to do, so that its thread runs and its stack is there.
func startPool(ctx context.Context, workers int, opts []sched.Option) (*pool, error) {
	s, err := sched.New(append([]sched.Option{sched.WithWorkers(workers)}, opts...)...)
	if err != nil {
		return nil, err
	}
	p := &pool{ctx: sched.With(ctx, s), scheduler: s}
	seen := make([]uint64, 1000*workers)
	if err := sched.For(p.ctx, len(seen), func(i int) { seen[i] = Spin(uint64(i), 200) }); err != nil {
		s.Close()
		return nil, err
	}
	return p, nil
}

func (p *pool) stats() json.RawMessage {
	b, err := json.Marshal(p.scheduler.Stats())
	if err != nil {
		return nil
	}
	return b
}

func (p *pool) close() { p.scheduler.Close() }

// DefaultWorkers returns the number of workers of a scheduler that is given none. Its error is a setting in the environment
// that cannot be used.
func DefaultWorkers() (int, error) {
	s, err := sched.New()
	if err != nil {
		return 0, err
	}
	defer s.Close()
	return s.Workers(), nil
}
