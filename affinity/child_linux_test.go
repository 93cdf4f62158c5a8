//go:build !pinwheel_portable

package affinity_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pinwheel-sched/pinwheel/affinity"
	"github.com/pinwheel-sched/pinwheel/internal/confine"
)

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
	cmd.Env = append(os.Environ(), childEnv+"="+do, "GORACE=atexit_sleep_ms=0")
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

// childMain does what the parent asks, a list of words, and reports:
//
//	join=DIR     first move the process to a cgroup
//	orphan=DIR   first restrict and pin the thread to the first CPU, then move to a cgroup without it, and report on restoring
//	eperm        let the kernel refuse sched_setaffinity with EPERM, and so on, from now on
//	einval
//	blind        refuse sched_getaffinity with ENOSYS
//	wide         refuse buffers of less than 4096 CPUs to sched_getaffinity, as a kernel for so many does
func childMain(do string) {
	for _, word := range strings.Fields(do) {
		name, arg, _ := strings.Cut(word, "=")
		var err error
		switch name {
		case "report":
		case "join":
			err = confine.Join(arg)
		case "orphan":
			printReport(orphan(arg))
			return
		case "eperm":
			err = confine.Refuse(unix.SYS_SCHED_SETAFFINITY, unix.EPERM, 0)
		case "einval":
			err = confine.Refuse(unix.SYS_SCHED_SETAFFINITY, unix.EINVAL, 0)
		case "blind":
			err = confine.Refuse(unix.SYS_SCHED_GETAFFINITY, unix.ENOSYS, 0)
		case "wide":
			err = confine.Refuse(unix.SYS_SCHED_GETAFFINITY, unix.EINVAL, 4096/8)
		default:
			err = fmt.Errorf("no child %q", word)
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}

	runtime.LockOSThread()
	var r report
	var err error
	if r.Allowed, err = affinity.Allowed(); err != nil {
		r.AllowedError = err.Error()
	}
	r.DefaultWorkers = affinity.DefaultWorkers()
	top, _ := affinity.Read()
	r.Topology, r.Quota = top.Allowed, top.Limits.Quota
	cpus := r.Allowed.List()
	restore, err := affinity.Pin(cpus[len(cpus)-1])
	if err != nil {
		r.PinError = err.Error()
	}
	r.Pinned, _ = affinity.Current()
	if err := restore(); err != nil {
		panic(err)
	}
	r.Restored, _ = affinity.Current()
	printReport(r)
}

func orphan(cgroup string) (r report) {
	runtime.LockOSThread()
	var mask unix.CPUSet
	mask.Set(0)
	err1 := unix.SchedSetaffinity(0, &mask)
	restore, err2 := affinity.Pin(0)
	err3 := confine.Join(cgroup)
	r.Pinned, _ = affinity.Current()
	if err := errors.Join(err1, err2, err3, restore()); err != nil {
		panic(err)
	}
	r.Restored, _ = affinity.Current()
	return r
}
