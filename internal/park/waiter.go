//go:build !mc

package park

import "github.com/pinwheel-sched/pinwheel/worker"

// A Waiter is one wait of one task or goroutine.
type Waiter = worker.Waiter
