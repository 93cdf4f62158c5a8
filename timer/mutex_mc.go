//go:build mc

package timer

import "github.com/pinwheel-sched/pinwheel/internal/atom"

// The explorer cannot see a sync.Mutex, so it gets one made of words.
type mutex struct{ held atom.Uint32 }

func (m *mutex) Lock() {
	for !m.held.CompareAndSwap(0, 1) {
		atom.FutexWait(&m.held, 1, -1)
	}
}

func (m *mutex) Unlock() {
	m.held.Store(0)
	atom.FutexWake(&m.held, 1)
}
