//go:build !mc

package mc

const tagged = false
