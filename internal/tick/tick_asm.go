//go:build amd64 || arm64

package tick

// count reads the time stamp counter on amd64, the virtual counter on arm64. Both run at a fixed rate on every machine that
// Go 1.26 is likely to meet, and are the same on all of its CPUs.
func count() uint64
