package mutant

import (
	"strings"
	"testing"
)

func TestAMutantMustChangeOnePlace(t *testing.T) {
	for _, old := range []string{"no such text", "return"} {
		m := Mutant{File: "mutant.go", Old: old}
		if _, err := m.test(t.TempDir(), "", "^$"); err == nil || !strings.Contains(err.Error(), "not one") {
			t.Errorf("replacing %q: %v, want an error", old, err)
		}
	}
}

func TestAMutantThatDoesNotCompileIsNotAFinding(t *testing.T) {
	m := Mutant{File: "mutant.go", Old: "package mutant", New: "package"}
	out, err := m.test(t.TempDir(), "", "^$")
	if err == nil || strings.Contains(out, "--- FAIL: ") {
		t.Errorf("the outcome is %v, with\n%s", err, out)
	}
}

func TestAFindingIsTheTestAndItsFirstLine(t *testing.T) {
	const out = "=== RUN\n--- FAIL: TestX (0.00s)\n    x_test.go:1: broken\n    more\nFAIL\n"
	if got, want := finding(out), "TestX (0.00s) x_test.go:1: broken"; got != want {
		t.Errorf("finding %q, want %q", got, want)
	}
}
