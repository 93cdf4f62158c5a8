//go:build !amd64 && !arm64

package callsite

import "runtime"

// PC returns the return address of the function that calls it, which must not be inlined.
func PC() uintptr {
	var pcs [1]uintptr
	runtime.Callers(3, pcs[:])
	return pcs[0]
}
