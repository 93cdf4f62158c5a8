//go:build !mc

package park

import "sync"

// A Guard protects some fields for some instructions. It is never held while its holder waits or runs users' code, so a
// worker may block on it.
type Guard = sync.Mutex
