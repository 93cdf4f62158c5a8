//go:build mc

package lock

const mutexSpin = 0 // spinning adds runs, but nothing that can go wrong
