// Readme writes the parts of README.md that a program should write: the first program, the cost tables and the table of the
// environment. Each stands between two marks, <!-- begin NAME --> and <!-- end NAME -->.
//
//	go run ./internal/readme [-measure SCHEDBENCH]
//
// It is run in the top directory of the module. The figures are those in internal/readme/measured.json, which -measure
// makes anew with a built schedbench; a test checks that README.md is what would be written. So no figure is ever typed.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/pinwheel-sched/pinwheel/internal/bench/report"
)

const (
	readmeFile   = "README.md"
	measuredFile = "internal/readme/measured.json"
)

func main() {
	schedbench := flag.String("measure", "", "measure anew with this `schedbench`")
	flag.Parse()
	if err := run(*schedbench); err != nil {
		fmt.Fprintln(os.Stderr, "readme:", err)
		os.Exit(1)
	}
}

func run(schedbench string) error {
	if schedbench != "" {
		if err := measure(schedbench, measuredFile); err != nil {
			return err
		}
	}
	old, err := os.ReadFile(readmeFile)
	if err != nil {
		return err
	}
	text, err := generate(".", string(old))
	if err != nil {
		return err
	}
	return os.WriteFile(readmeFile, []byte(text), 0o644)
}

// A Measured is what the tables are made of: two runs of schedbench.
type Measured struct {
	Forks *report.Document `json:"forks"` // one worker, many runs, for costs of nanoseconds
	Suite *report.Document `json:"suite"` // everything
}

// measure runs schedbench and writes what it measured to a file.
func measure(schedbench, file string) error {
	var m Measured
	for _, r := range []struct {
		to   **report.Document
		args []string
	}{
		{&m.Forks, []string{"run", "fib", "fib-closure", "--workers", "1", "--count", "12", "--json"}},
		{&m.Suite, []string{"--json"}},
	} {
		cmd := exec.Command(schedbench, r.args...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("schedbench %s: %w", strings.Join(r.args, " "), err)
		}
		if err := json.Unmarshal(out, r.to); err != nil {
			return fmt.Errorf("schedbench %s: %w", strings.Join(r.args, " "), err)
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// readMeasured reads what measure wrote.
func readMeasured(file string) (m Measured, err error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("%s: %w", file, err)
	}
	if m.Forks == nil || m.Suite == nil {
		return m, fmt.Errorf("%s: a run of schedbench is missing; make readme measures anew", file)
	}
	return m, nil
}
