//go:build !mc

package future

func onExplorer(*job) bool { return false }
