//go:build !amd64 && !arm64

package tick

import "time"

func count() uint64 { return uint64(time.Since(origin)) }
