//go:build !mc

package timer

import "sync"

// A mutex guards a shard. It is held for some 20 ns, except while many timers are moved, and by its worker most of the time.
type mutex = sync.Mutex
