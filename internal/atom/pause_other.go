//go:build !amd64 && !arm64 && !mc

package atom

func pause() {}
