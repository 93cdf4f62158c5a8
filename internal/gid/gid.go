// Package gid tells whether code runs on a given goroutine.
//
// The runtime keeps the running goroutine's descriptor in a register or in thread-local storage. Its address identifies the
// goroutine for as long as that lives, and reading it costs a nanosecond; asking the kernel for the thread costs a hundred,
// and would not tell apart the goroutines that share one.
package gid

// Current returns the identity of the calling goroutine: equal on two calls exactly if the same goroutine made them,
// provided that the first had not ended when the second was made. It never returns 0.
func Current() uintptr { return current() }
