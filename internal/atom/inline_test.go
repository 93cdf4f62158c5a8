//go:build !mc

package atom_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The compiler must put every operation of testdata/inlined in line, though that package does not import sync/atomic.
func TestOperationsAreInlined(t *testing.T) {
	const file = "testdata/inlined/inlined.go"
	out, err := exec.Command("go", "build", "-gcflags=-m", "./testdata/inlined").CombinedOutput()
	if err != nil {
		t.Skipf("cannot ask the compiler: %v\n%s", err, out)
	}
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	operations := strings.Count(string(source), "\tx.")
	inlined := 0
	for line := range strings.SplitSeq(string(out), "\n") {
		if strings.Contains(line, "inlined.go:") && strings.Contains(line, "inlining call to atomic.") {
			inlined++
		}
	}
	if inlined < operations {
		t.Errorf("%d of %d operations are inlined:\n%s", inlined, operations, out)
	}
}
