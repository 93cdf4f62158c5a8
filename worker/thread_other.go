//go:build !linux || pinwheel_portable

package worker

import "github.com/pinwheel-sched/pinwheel/affinity"

func pin(affinity.Set) (restore func() error, err error) {
	return func() error { return nil }, affinity.ErrUnsupported
}

// onMainThread is only asked so that a pinned thread can end with its goroutine. Nothing is pinned here.
func onMainThread() bool { return false }

func threadID() int { return 0 }

func awaitThreadEnd(int) {}

func currentCPU() int { return -1 }
