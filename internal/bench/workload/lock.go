package workload

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/lock"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// lockUnlock takes one lock n times in all and counts, which is what the lock is for. By itself ("free") it is one task's; under
// contention it is that of a number of tasks, each of which keeps it for 1 us and wants it again at once. The metric max_wait_ns
// is the longest that any of them has waited.
var lockUnlock = &bench.Workload{
	Name: "lock", Doc: "n times lock, count, unlock: free, and contended",
	Size: "n", Unit: "locking", N: "200000", SuiteN: "50000", TestN: "400",
	Options: []bench.Option{
		{Name: "contention", Doc: "free, or contended: a lock that is kept for 1 us", Default: "free,contended", Many: true},
		{Name: "tasks", Doc: "tasks that want the lock when it is contended", Default: "64"},
	},
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 1_000_000_000)
		if err != nil {
			return nil, err
		}
		switch how := p.Options["contention"]; how {
		case "free", "":
			return bench.Later(func() *bench.Job { return freeLockJob(n) }), nil
		case "contended":
			tasks, err := p.OptionInt("tasks", 1, 1_000_000)
			if err != nil {
				return nil, err
			}
			return bench.Later(func() *bench.Job { return contendedLockJob(n, tasks) }), nil
		default:
			return nil, fmt.Errorf("--contention %q: want free or contended", how)
		}
	},
}

func freeLockJob(n int) *bench.Job {
	return &bench.Job{
		Tasks: int64(n),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel: number(func(ctx context.Context) (int, error) {
				return sched.Run(ctx, func(t *sched.Task) (int, error) {
					var mu lock.Mutex
					count := 0
					for range n {
						if err := mu.Lock(t); err != nil {
							return 0, err
						}
						count++
						mu.Unlock()
					}
					return count, nil
				})
			}),
			bench.Goroutines: number(func(context.Context) (int, error) {
				var mu sync.Mutex
				count := 0
				for range n {
					mu.Lock()
					count++
					mu.Unlock()
				}
				return count, nil
			}),
			bench.Serial: number(func(context.Context) (int, error) {
				count := 0
				for range n {
					count++
				}
				return count, nil
			}),
		},
		Verify: bench.Answer(decimal(n)),
	}
}

// A hoard is what the lock guards: a number that each holder changes, for about a microsecond.
type hoard struct {
	x, steps uint64
	waited   time.Duration // the longest
}

func (h *hoard) hold(began time.Time) {
	h.waited = max(h.waited, time.Since(began))
	h.x = bench.Spin(h.x, int(h.steps))
}

func contendedLockJob(n, tasks int) *bench.Job {
	steps := bench.SpinSteps(time.Microsecond)
	share := func(k int) int { return n*(k+1)/tasks - n*k/tasks }
	body := func(run func(r *bench.Run, h *hoard) error) bench.Body {
		return func(r *bench.Run) (string, error) {
			h := &hoard{steps: uint64(steps)}
			err := run(r, h)
			r.Stop()
			r.Metric("max_wait_ns", float64(h.waited))
			return decimal(h.x), err
		}
	}
	return &bench.Job{
		Tasks: int64(n),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel: body(func(r *bench.Run, h *hoard) error {
				var mu lock.Mutex
				g := sched.NewGroup(r.Context)
				for k := range tasks {
					g.Go(func(t *sched.Task) error {
						for range share(k) {
							began := time.Now()
							if err := mu.Lock(t); err != nil {
								return err
							}
							h.hold(began)
							mu.Unlock()
						}
						return nil
					})
				}
				return g.Wait()
			}),
			bench.Goroutines: body(func(_ *bench.Run, h *hoard) error {
				var mu sync.Mutex
				var all sync.WaitGroup
				for k := range tasks {
					all.Go(func() {
						for range share(k) {
							began := time.Now()
							mu.Lock()
							h.hold(began)
							mu.Unlock()
						}
					})
				}
				all.Wait()
				return nil
			}),
			bench.Serial: body(func(_ *bench.Run, h *hoard) error {
				for range n {
					h.hold(time.Now())
				}
				return nil
			}),
		},
		Verify: bench.Answer(decimal(bench.Spin(0, n*steps))),
	}
}
