// Package report writes what was measured, in the forms that people and programs read, reads it back, and compares two of
// them.
package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/klauspost/cpuid/v2"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
)

// Schema is the version of the JSON form. It changes when a field changes its meaning or goes, not when one is added.
const Schema = 1

// A Document is the outcome of one command.
type Document struct {
	Schema   int            `json:"schema"`
	Host     Host           `json:"host"`
	Settings Settings       `json:"settings"`
	Results  []bench.Result `json:"results"`
}

// Host is what the results depend on besides the program.
type Host struct {
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	Kernel     string `json:"kernel,omitempty"`
	CPU        string `json:"cpu,omitempty"`
	CPUs       int    `json:"cpus"` // that the process may use
	GOMAXPROCS int    `json:"gomaxprocs"`
	Go         string `json:"go"`
}

// Settings are how it was measured.
type Settings struct {
	Version     string            `json:"version"` // of schedbench
	Time        time.Time         `json:"time"`    // of the start
	Runtimes    []bench.Runtime   `json:"runtimes"`
	Workers     []int             `json:"workers"`
	Count       int               `json:"count"`
	Warmup      int               `json:"warmup"`
	Seed        uint64            `json:"seed"`
	Environment map[string]string `json:"environment"` // what is set of PINWHEEL_ and of the Go runtime's variables
}

// ThisHost describes the machine.
func ThisHost() Host {
	return Host{
		OS:         runtime.GOOS,
		Arch:       runtime.GOARCH,
		Kernel:     strings.TrimSpace(contents("/proc/sys/kernel/osrelease")),
		CPU:        cmp.Or(cpuModel(contents("/proc/cpuinfo")), cpuid.CPU.BrandName),
		CPUs:       runtime.NumCPU(),
		GOMAXPROCS: runtime.GOMAXPROCS(0),
		Go:         runtime.Version(),
	}
}

// contents returns those of a file, or nothing where there is no such file.
func contents(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(b)
}

func cpuModel(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// ThisEnvironment returns the variables that change how the program runs.
func ThisEnvironment() map[string]string {
	env := map[string]string{}
	for _, kv := range os.Environ() {
		key, value, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(key, "PINWHEEL_") || key == "GOMAXPROCS" || key == "GOGC" || key == "GOMEMLIMIT" || key == "GODEBUG" {
			env[key] = value
		}
	}
	return env
}

// Read reads the JSON form from a file.
func Read(path string) (*Document, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var d Document
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, fmt.Errorf("%s is not the JSON that schedbench run --json writes: %w", path, err)
	}
	if d.Schema != Schema {
		return nil, fmt.Errorf("%s has schema %d; this program reads schema %d", path, d.Schema, Schema)
	}
	return &d, nil
}

// writeJSON writes any value as indented JSON.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
