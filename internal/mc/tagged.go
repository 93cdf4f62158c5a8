//go:build mc

package mc

const tagged = true // the words of internal/atom hand over control
