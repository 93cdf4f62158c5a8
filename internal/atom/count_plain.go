//go:build (amd64 || arm64) && !race

package atom

import "sync/atomic"

type (
	countWord = uint64
	countHalf = uint32
)

// Add adds to the number.
func (c *Count) Add(n uint64) { c.n += n }

// Store changes the number.
func (c *Count) Store(n uint64) { c.n = n }

// Load returns the number. On the thread that changes it, that is the latest.
func (c *Count) Load() uint64 { return atomic.LoadUint64(&c.n) }

// Store changes the number.
func (c *Count32) Store(n uint32) { c.n = n }

// Load returns the number.
func (c *Count32) Load() uint32 { return atomic.LoadUint32(&c.n) }
