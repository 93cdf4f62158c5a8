//go:build linux && !pinwheel_portable && !mc

package tick

import (
	"bytes"
	"os"
	"runtime"
	"sync"
)

// reckons reports whether Linux makes its clock of the counter that count reads: then it has found it to run at one rate, on all
// CPUs alike, and never to stop.
var reckons = sync.OnceValue(func() bool {
	name, err := os.ReadFile("/sys/devices/system/clocksource/clocksource0/current_clocksource")
	return err == nil && runtime.GOARCH == "amd64" && bytes.Equal(bytes.TrimSpace(name), []byte("tsc"))
})
