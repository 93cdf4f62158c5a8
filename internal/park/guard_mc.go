//go:build mc

package park

import (
	"sync"

	"github.com/pinwheel-sched/pinwheel/internal/atom"
	"github.com/pinwheel-sched/pinwheel/internal/mc"
)

// A Guard promises what sync.Mutex does, and within an exploration keeps the promise by sleeping in the explorer.
type Guard struct {
	taken atom.Uint32
	real  sync.Mutex
}

// Lock waits for the guard and takes it.
func (g *Guard) Lock() {
	if !mc.Active() {
		g.real.Lock()
		return
	}
	for !g.taken.CompareAndSwap(0, 1) {
		atom.FutexWait(&g.taken, 1, -1)
	}
}

// Unlock gives the guard back.
func (g *Guard) Unlock() {
	if !mc.Active() {
		g.real.Unlock()
		return
	}
	g.taken.Store(0)
	atom.FutexWake(&g.taken, 1)
}
