package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// program returns the README's program: the example, as what a user would write.
func program(root string) (string, error) {
	path := filepath.Join("sched", "example_readme_test.go")
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for line := range strings.Lines(string(b)) {
		switch {
		case line == "package sched_test\n":
			line = "package main\n"
		case line == "func Example_readme() {\n":
			line = "func main() {\n"
		case strings.HasPrefix(line, "\t// Output: "):
			continue
		}
		out.WriteString(line)
	}
	code := out.String()
	if !strings.HasPrefix(code, "package main\n") || !strings.Contains(code, "func main() {\n") {
		return "", fmt.Errorf("%s is not one Example_readme in package sched_test", path)
	}
	return "```go\n" + code + "```\n", nil
}
