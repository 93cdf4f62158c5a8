package affinity_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

var update = flag.Bool("update", false, "write the golden files anew")

// childEnv makes the test binary act as a child process that does what its value says and prints a report.
const childEnv = "AFFINITY_TEST_CHILD"

func TestMain(m *testing.M) {
	if do := os.Getenv(childEnv); do != "" {
		childMain(do)
		return
	}
	os.Exit(m.Run())
}

// A report is what a child process finds out about itself.
type report struct {
	Allowed, Topology affinity.Set
	DefaultWorkers    int
	Quota             float64
	AllowedError      string
	PinError          string
	Pinned            affinity.Set // after pinning to the last allowed CPU
	Restored          affinity.Set // after restoring
}

func printReport(r report) {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}

// child returns the command that runs the test binary as a child.
func child(do string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+do)
	cmd.Stderr = os.Stderr
	return cmd
}

// reportOf runs a child, started by start, and returns its report.
func reportOf(t *testing.T, cmd *exec.Cmd, start func() error) (r report) {
	t.Helper()
	var out strings.Builder
	cmd.Stdout = &out
	if err := start(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("child: %v\n%s", err, out.String())
	}
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
		t.Fatalf("child printed %q: %v", out.String(), err)
	}
	return r
}
