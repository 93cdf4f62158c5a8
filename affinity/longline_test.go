package affinity

import (
	"strings"
	"testing"
	"testing/fstest"
)

// The mounts of many layers have very long lines.
func TestAVeryLongLineHidesNothingBehindIt(t *testing.T) {
	l, err := ReadLimits(WithFS(fstest.MapFS{
		"proc/self/mountinfo": {Data: []byte("30 1 0:1 / / rw - overlay overlay rw,lowerdir=" + strings.Repeat("/layer:", 20_000) + "/\n" +
			"31 30 0:2 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw")},
		"proc/self/cgroup":      {Data: []byte("0::/\n")},
		"sys/fs/cgroup/cpu.max": {Data: []byte("150000 100000\n")},
	}))
	if err != nil || l.Quota != 1.5 {
		t.Errorf("quota %v, %v; notes %q", l.Quota, err, l.Notes)
	}
}
