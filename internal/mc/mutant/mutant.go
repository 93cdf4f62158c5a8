// Package mutant shows that tests can fail. It plants bugs in a package, one at a time, and runs the package's tests, which
// must notice each of them.
//
// A bug is a piece of the source and what to put in its place. The changed file exists only in an overlay of the go command
// (go help build, -overlay), so the code that is tested otherwise is the code that ships, and nothing need be prepared in it.
package mutant

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A Mutant is one change to a source file of the package under test.
type Mutant struct {
	Name string // what is wrong about it
	File string // in the directory of the package
	Old  string // occurs once in the file
	New  string
	// Harmless says that the tests must pass all the same: a control, and a statement about the code.
	Harmless bool
}

// Check runs the tests of the package in the working directory, which is that of the calling test, once for each mutant,
// and fails t where their outcome is wrong. The pattern selects the tests as go test -run does; tags are build tags.
//
// Each mutant costs the building of a test binary, a second or so. In short mode there are none.
func Check(t *testing.T, tags, pattern string, mutants []Mutant) {
	t.Helper()
	if testing.Short() {
		t.Skip("building every mutant takes long; run without -short")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skipf("mutants need the go command: %v", err)
	}
	for _, m := range mutants {
		t.Run(m.Name, func(t *testing.T) {
			out, err := m.test(t.TempDir(), tags, pattern)
			switch failed := strings.Contains(out, "--- FAIL: "); {
			case err != nil && !failed:
				t.Fatalf("the tests did not run: %v\n%s", err, out)
			case failed && m.Harmless:
				t.Fatalf("the tests fail, though the change should be harmless:\n%s", out)
			case !failed && !m.Harmless:
				t.Fatalf("the tests pass:\n%s", out)
			case failed:
				t.Logf("found: %s", finding(out))
			}
		})
	}
}

// test returns what go test printed, and how it ended.
func (m Mutant) test(dir, tags, pattern string) (out string, err error) {
	file, err := filepath.Abs(m.File)
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.Old); n != 1 {
		return "", fmt.Errorf("%s has %d places with %q, not one", m.File, n, m.Old)
	}
	changed := filepath.Join(dir, "changed.go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(source), m.Old, m.New, 1)), 0o600); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{file: changed}})
	if err != nil {
		return "", err
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "test", "-tags", tags, "-overlay", overlayFile, "-vet", "off", "-count", "1", "-failfast",
		"-run", pattern, ".")
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// finding returns the test that failed, and how.
func finding(out string) string {
	_, out, _ = strings.Cut(out, "--- FAIL: ")
	lines := strings.SplitN(out, "\n", 3)
	return strings.TrimSpace(lines[0]) + " " + strings.TrimSpace(lines[min(1, len(lines)-1)])
}
