//go:build !linux || pinwheel_portable || mc

package tick

// reckons reports false: it is not known what the system's clock is made of, or it is the explorer's.
func reckons() bool { return false }
