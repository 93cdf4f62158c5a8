//go:build amd64 || arm64

package gid

func current() uintptr

// word reads a word of the calling goroutine's descriptor.
func word(at uintptr) uintptr
