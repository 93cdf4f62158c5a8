//go:build (!amd64 && !arm64) || race

package atom

import "sync/atomic"

type (
	countWord = atomic.Uint64
	countHalf = atomic.Uint32
)

// Add adds to the number.
func (c *Count) Add(n uint64) { c.n.Add(n) }

// Store changes the number.
func (c *Count) Store(n uint64) { c.n.Store(n) }

// Load returns the number. On the thread that changes it, that is the latest.
func (c *Count) Load() uint64 { return c.n.Load() }

// Store changes the number.
func (c *Count32) Store(n uint32) { c.n.Store(n) }

// Load returns the number.
func (c *Count32) Load() uint32 { return c.n.Load() }
