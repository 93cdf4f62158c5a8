//go:build !linux || pinwheel_portable || mc

package atom

// Precise does nothing here: waits end when the Go runtime ends them.
func Precise() (restore func()) { return func() {} }
