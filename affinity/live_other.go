//go:build !linux || pinwheel_portable

package affinity

import "io/fs"

// liveFS returns no file system: there is no sysfs here.
func liveFS() fs.FS { return nil }
