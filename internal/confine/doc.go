//go:build !linux

// Package confine confines processes, for tests, on Linux.
package confine
