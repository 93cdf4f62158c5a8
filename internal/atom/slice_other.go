//go:build !linux || pinwheel_portable || mc

package atom

// Urgent does nothing here.
func Urgent() (restore func()) { return func() {} }
