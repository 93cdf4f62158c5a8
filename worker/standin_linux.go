//go:build linux && !pinwheel_portable && !mc

package worker

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// threadTime returns the CPU time of a thread of this process. It costs a system call.
func threadTime(thread int) (cpu time.Duration, known bool) {
	// The clock of a thread is named by its number, as CPUCLOCK_PERTHREAD | CPUCLOCK_SCHED (include/linux/posix-timers.h).
	clock := int32(^thread<<3 | 4 | 2)
	var ts unix.Timespec
	if thread == 0 || unix.ClockGettime(clock, &ts) != nil {
		return 0, false
	}
	return time.Duration(ts.Nano()), true
}

// threadSleeps reports whether a thread of this process waits for something other than a CPU. If the kernel does not say, it
// is taken to.
func threadSleeps(thread int) bool {
	stat, err := os.ReadFile("/proc/self/task/" + strconv.Itoa(thread) + "/stat")
	if err != nil {
		return true
	}
	// The state comes after the name, which is in parentheses and may have any characters.
	i := bytes.LastIndexByte(stat, ')')
	return i < 0 || i+2 >= len(stat) || stat[i+2] != 'R'
}
