package sched

import (
	"go/version"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
)

// The fast paths of a fork and a join must be inlined into the function that forks, which is what the compiler says when it is
// asked. (Compilers later than those this was written for may have another budget: then the cost changes, not the result.)
func TestForkAndJoinAreInlined(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector changes what is inlined")
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("there is no go command to ask")
	}
	if !version.IsValid(runtime.Version()) {
		t.Skipf("an unreleased compiler: %s", runtime.Version())
	}
	bin := filepath.Join(t.TempDir(), "schedbench")
	cmd := exec.Command(goTool, "build", "-o", bin, "-gcflags=../internal/bench/workload=-m", "../cmd/schedbench")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, call := range []string{`worker\.\(\*Fork\[.*int.*\]\)\.Fork`, `worker\.Forked\[.*int.*\]\.Join`} {
		if !regexp.MustCompile(`fib\.go:\d+:\d+: inlining call to ` + call).Match(out) {
			t.Errorf("the compiler does not inline %s into fib", call)
		}
	}
}
