//go:build amd64 || arm64

package callsite

// PC returns the return address of the function that calls it, which must not be inlined.
func PC() uintptr
