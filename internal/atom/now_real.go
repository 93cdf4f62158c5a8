//go:build !mc

package atom

import "time"

func now() time.Duration { return time.Since(start) }
