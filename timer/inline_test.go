//go:build !mc && !race

package timer

import (
	"os/exec"
	"strings"
	"testing"
)

// What a worker does between two tasks when no timer is due must be in line.
func TestAPollOfNothingIsInlined(t *testing.T) {
	out, err := exec.Command("go", "build", "-gcflags=-m", ".").CombinedOutput()
	if err != nil {
		t.Skipf("cannot ask the compiler: %v\n%s", err, out)
	}
	for _, f := range []string{"Poll", "Next"} {
		if !strings.Contains(string(out), "can inline (*Shard)."+f+"\n") {
			t.Errorf("Shard.%s is not inlined", f)
		}
	}
}
