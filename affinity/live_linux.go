//go:build !pinwheel_portable

package affinity

import (
	"io/fs"
	"os"
)

// liveFS returns the root of the file system of this machine.
func liveFS() fs.FS { return os.DirFS("/") }
