//go:build !linux || pinwheel_portable

package timer

func precise() (restore func()) { return func() {} }
