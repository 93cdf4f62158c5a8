//go:build mc

package future

import "github.com/pinwheel-sched/pinwheel/internal/mc"

// explorer starts a thread of the exploration, if there is one.
var explorer func(f func())

func onExplorer(j *job) bool {
	if !mc.Active() {
		return false
	}
	explorer(j.goroutine)
	return true
}
