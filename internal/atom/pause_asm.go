//go:build (amd64 || arm64) && !mc

package atom

// pause is one PAUSE on amd64, one YIELD on arm64.
func pause()
