//go:build (!amd64 && !arm64) || race

package atom

import "sync/atomic"

type countWord = atomic.Uint64

// Add adds to the number.
func (c *Count) Add(n uint64) { c.n.Add(n) }

// Store changes the number.
func (c *Count) Store(n uint64) { c.n.Store(n) }

// Load returns the number. On the thread that changes it, that is the latest.
func (c *Count) Load() uint64 { return c.n.Load() }
