package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/internal/bench/workload"
)

// TestMain lets the test binary stand in for schedbench, so that signals and the environment of a process can be tested.
func TestMain(m *testing.M) {
	workload.Child()
	if os.Getenv("BE_SCHEDBENCH") != "" {
		if os.Getenv("TELL_BEGUN") != "" {
			tellWhenFibBegins()
		}
		main()
		return
	}
	os.Exit(m.Run())
}

// An output is what one execution left.
type output struct {
	status         int
	stdout, stderr string
}

func execute(t *testing.T, args ...string) output {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := newProgram(&stdout, &stderr).main(t.Context(), args)
	return output{status, stdout.String(), stderr.String()}
}

// process runs schedbench as a process, with more environment.
func process(t *testing.T, env []string, args ...string) output {
	t.Helper()
	var stderr bytes.Buffer
	cmd := child(t, env, args...)
	cmd.Stderr = &stderr
	o := finish(t, cmd)
	o.stderr = stderr.String()
	return o
}

// interrupted runs schedbench as a process and sends it the signal once a run of fib is under way.
func interrupted(t *testing.T, signal os.Signal, args ...string) output {
	t.Helper()
	cmd := child(t, []string{"TELL_BEGUN=1"}, args...)
	stderr := &listener{line: fibHasBegun}
	stderr.heard = func() {
		if err := cmd.Process.Signal(signal); err != nil {
			t.Error(err)
		}
	}
	cmd.Stderr = stderr
	o := finish(t, cmd)
	var told bool
	if o.stderr, told = strings.CutPrefix(stderr.all.String(), fibHasBegun); !told {
		t.Errorf("schedbench %q: fib did not begin, or not at first: status %d, stderr %q", args, o.status, o.stderr)
	}
	return o
}

func child(t *testing.T, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), "BE_SCHEDBENCH=1"), env...)
	return cmd
}

// finish runs the command, of which it gathers all but stderr.
func finish(t *testing.T, cmd *exec.Cmd) output {
	t.Helper()
	stdout, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return output{status: cmd.ProcessState.ExitCode(), stdout: string(stdout)}
}

// A listener keeps what is written, and calls heard when it has the line for the first time.
type listener struct {
	all   bytes.Buffer
	line  string
	heard func()
}

func (l *listener) Write(p []byte) (int, error) {
	l.all.Write(p)
	if l.heard != nil && bytes.Contains(l.all.Bytes(), []byte(l.line)) {
		l.heard()
		l.heard = nil
	}
	return len(p), nil
}

const fibHasBegun = "a run of fib has begun\n"

// tellWhenFibBegins has each run of fib in this process say so on stderr.
func tellWhenFibBegins() {
	fib := workload.Find("fib")
	prepare := fib.Prepare
	fib.Prepare = func(p bench.Params) (bench.Build, error) {
		build, err := prepare(p)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) (*bench.Job, error) {
			job, err := build(ctx)
			if err != nil {
				return nil, err
			}
			for rt, body := range job.Bodies {
				job.Bodies[rt] = func(r *bench.Run) (string, error) {
					fmt.Fprint(os.Stderr, fibHasBegun)
					return body(r)
				}
			}
			return job, nil
		}, nil
	}
}

func TestMistakesAreToldInALineWithAHint(t *testing.T) {
	file := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(file, []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, message, hint string }{
		{"no-such-command", `there is no command "no-such-command"`, "schedbench help lists"},
		{"lsit", `there is no command "lsit"`, "did you mean list?"},
		{"run", "run needs the name of a workload", "schedbench list"},
		{"run fibb", `there is no workload "fibb"`, "did you mean fib?"},
		{"run fib no-such-workload", `there is no workload "no-such-workload"`, "schedbench list"},
		{"run fib --cuont 3", "there is no flag --cuont", "did you mean --count?"},
		{"run fib --no-such-flag", "there is no flag --no-such-flag", "schedbench help run"},
		{"run fib --count", "flag needs an argument: --count", ""},
		{"run fib --count many", `invalid value "many" for --count`, ""},
		{"run fib --count 0", "--count 0: want 1 to 10000", ""},
		{"run fib --warmup -1", "--warmup -1: want 0 to 10000", ""},
		{"run fib --seed -1", `invalid value "-1" for --seed`, ""},
		{"run fib --n x", `fib: --n "x": want a whole number from 0 to 60`, ""},
		{"run fib --n 61", `fib: --n "61": want a whole number from 0 to 60`, ""},
		{"run uts --n T9", `uts: --n "T9": want a tree: T1, `, ""},
		{"run idle --n soon", `idle: --n "soon": want a duration`, ""},
		{"run fib --workers 0", `--workers "0": want numbers from 1 to 4096`, ""},
		{"run fib --workers 1,,2", `--workers "1,,2": want numbers`, ""},
		{"run fib --workers 5000", `--workers "5000": want numbers`, ""},
		{"run fib --runtimes goroutine", `there is no runtime "goroutine"`, "did you mean goroutines?"},
		{"run fib --runtimes ,", `there is no runtime ""`, "pinwheel, goroutines, serial"},
		{"run fib --format jsn", `there is no format "jsn"`, "did you mean json?"},
		{"run fib --producers 2", "none of these workloads takes --producers", "it is for submit"},
		{"run submit --producers 1,0", `submit: --producers "0": want a whole number`, ""},
		{"run submit --api go", `submit: --api "go": want Submit or Go`, ""},
		{"run files --input /no/such/dir", "/no/such/dir", ""},
		{"run files --input " + file, "is not a directory", ""},
		{"run files --input . --n ../..", `files: --n "../..": want a directory inside the input`, ""},
		{"run fib --cpuprofile /no/such/dir/file --n 10", "--cpuprofile: open /no/such/dir/file", ""},
		{"--format xml", `there is no format "xml"`, "formats: table"},
		{"--n 3", "there is no flag --n", ""},
		{"list fib", `list takes no argument "fib"`, "schedbench help list"},
		{"env all", `env takes no argument "all"`, ""},
		{"version 2", `version takes no argument "2"`, ""},
		{"completion", "completion needs the name of a shell", "bash, zsh, fish"},
		{"completion bush", `there is no completion for "bush"`, "did you mean bash?"},
		{"compare a.json", "compare needs two files, not 1", "schedbench run --json"},
		{"compare /no/such/a /no/such/b", "open /no/such/a", ""},
		{"compare " + file + " " + file, "is not the JSON", ""},
		{"compare a b --fail-above 5", `invalid value "5" for --fail-above: want a percentage`, ""},
		{"compare a b --fail-above -5%", `invalid value "-5%" for --fail-above`, ""},
		{"help no-such-command", `there is no command "no-such-command"`, ""},
	} {
		o := execute(t, strings.Fields(c.args)...)
		lines := strings.Split(strings.TrimSuffix(o.stderr, "\n"), "\n")
		if o.status != exitUsage || o.stdout != "" || len(lines) > 2 || !strings.Contains(lines[0], c.message) {
			t.Errorf("schedbench %s: status %d, stderr %q, stdout %q, want %q", c.args, o.status, o.stderr, o.stdout, c.message)
		}
		if c.hint != "" && (len(lines) != 2 || !strings.Contains(lines[1], c.hint)) {
			t.Errorf("schedbench %s: no hint %q in %q", c.args, c.hint, o.stderr)
		}
	}
}

func TestASettingThatCannotBeUsedIsAMistake(t *testing.T) {
	for _, c := range []struct{ variable, message string }{
		{"PINWHEEL_WORKERS=many", "PINWHEEL_WORKERS"},
		{"PINWHEEL_NO_SUCH=1", "PINWHEEL_NO_SUCH"},
	} {
		for _, args := range []string{"run fib --n 10", "run fib --n 10 --runtimes serial", "run fib --n 10 --workers 1"} {
			o := process(t, []string{c.variable}, strings.Fields(args)...)
			if o.status != exitUsage || !strings.Contains(o.stderr, c.message) || strings.Contains(o.stderr, "goroutine ") {
				t.Errorf("%s schedbench %s: status %d, stderr %q", c.variable, args, o.status, o.stderr)
			}
		}
	}
}

func TestHelpIsThereForEveryCommand(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"--help"}, {"-h"}} {
		o := execute(t, args...)
		if o.status != exitDone || !strings.Contains(o.stdout, "schedbench compare OLD.json NEW.json") {
			t.Errorf("%q: status %d, %q", args, o.status, o.stdout)
		}
	}
	for _, c := range newProgram(io.Discard, io.Discard).commands {
		for _, args := range [][]string{{"help", c.name}, {c.name, "--help"}} {
			if c.name == "" {
				continue
			}
			o := execute(t, args...)
			if o.status != exitDone || !strings.Contains(o.stdout, "usage: schedbench "+c.name) || !strings.Contains(o.stdout, c.doc) {
				t.Errorf("%q: status %d, %q", args, o.status, o.stdout)
			}
		}
	}
}

func TestHelpTellsForEachWorkloadWhatItsOptionsAre(t *testing.T) {
	help, list := execute(t, "help", "run").stdout, execute(t, "list").stdout
	for _, w := range workload.All {
		for _, o := range w.Options {
			in := func(line string) bool {
				return strings.Contains(line, o.Doc) && strings.Contains(line, "default "+o.Default)
			}
			ofWorkload := func(line string) bool {
				_, rest, found := strings.Cut(line, "for ")
				names, _, _ := strings.Cut(rest, ": ")
				return found && slices.Contains(strings.Split(names, ", "), w.Name) && (o.Default == "" || in(line))
			}
			if !slices.ContainsFunc(strings.Split(help, "\n"), ofWorkload) {
				t.Errorf("help run does not tell what --%s is to %s, or its default", o.Name, w.Name)
			}
			if o.Default != "" && !slices.ContainsFunc(strings.Split(list, "\n"), in) {
				t.Errorf("list does not tell the default of --%s of %s", o.Name, w.Name)
			}
		}
	}
}

// document is what JSON has to be like for those who read it by field.
type document struct {
	Schema   int
	Host     map[string]any
	Settings map[string]any
	Results  []struct {
		Workload, Runtime, N string
		Variant              string
		Workers              *int
		Tasks                *int64
		WallNs               []int64  `json:"wall_ns"`
		MedianNs             *float64 `json:"median_ns"`
		NsPerTask            *float64 `json:"ns_per_task"`
		Result               *string
		Verified             *bool
		Metrics              map[string]float64
		Stats                map[string]any
	}
}

func parse(t *testing.T, o output) document {
	t.Helper()
	var d document
	if err := json.Unmarshal([]byte(o.stdout), &d); err != nil {
		t.Fatalf("status %d, %v in %q, stderr %q", o.status, err, o.stdout, o.stderr)
	}
	return d
}

func TestRunWritesTheSpecifiedJSON(t *testing.T) {
	o := execute(t, "run", "--json", "fib", "--count", "2", "submit", "--warmup", "0", "--n", "12", "--producers", "3", "--workers", "1,2")
	d := parse(t, o)
	if o.status != exitDone || d.Schema != 1 || d.Host["os"] != runtime.GOOS || d.Settings["count"] != 2.0 {
		t.Errorf("status %d, %+v", o.status, d)
	}
	var rows []string
	for _, r := range d.Results {
		rows = append(rows, fmt.Sprintf("%s %s %s %d", r.Workload, r.Variant, r.Runtime, *r.Workers))
		if r.N != "12" || len(r.WallNs) != 2 || *r.MedianNs <= 0 || *r.NsPerTask != *r.MedianNs/float64(*r.Tasks) || *r.Result == "" ||
			!*r.Verified || r.Metrics == nil || r.Stats == nil {
			t.Errorf("%+v", r)
		}
		if (len(r.Stats) > 0) != (r.Runtime == "pinwheel") {
			t.Errorf("stats on %s: %v", r.Runtime, r.Stats)
		}
	}
	want := []string{
		"fib  pinwheel 1", "fib  pinwheel 2", "fib  goroutines 1", "fib  goroutines 2", "fib  serial 1",
		"submit producers=3 api=Submit pinwheel 1", "submit producers=3 api=Submit pinwheel 2",
		"submit producers=3 api=Submit goroutines 1", "submit producers=3 api=Submit goroutines 2",
		"submit producers=3 api=Submit serial 1",
	}
	if !slices.Equal(rows, want) {
		t.Errorf("rows %q, want %q", rows, want)
	}
}

func TestRunTakesEachWorkloadAndRuntimeOnce(t *testing.T) {
	o := execute(t, strings.Fields("run fib fib --n 10 --count 1 --runtimes serial,serial,goroutines --workers 2,2 --json")...)
	if d := parse(t, o); len(d.Results) != 2 {
		t.Errorf("%d results", len(d.Results))
	}
}

func TestTheNumberOfWorkersIsThatOfAScheduler(t *testing.T) {
	o := process(t, []string{"PINWHEEL_WORKERS=3"}, "run", "fib", "--n", "10", "--count", "1", "--json")
	d := parse(t, o)
	for _, r := range d.Results {
		want := 3
		if r.Runtime == "serial" {
			want = 1
		}
		if *r.Workers != want {
			t.Errorf("%s has %d workers", r.Runtime, *r.Workers)
		}
	}
	if env, _ := d.Settings["environment"].(map[string]any); env["PINWHEEL_WORKERS"] != "3" {
		t.Errorf("environment %v", d.Settings["environment"])
	}
}

func TestEachFormatIsWritten(t *testing.T) {
	for format, want := range map[string]string{
		"table": "fib       10  serial", "csv": "workload,variant,runtime", "json": `"schema": 1`, "benchstat": "BenchmarkFib/n=10/runtime=serial/workers=1 1 ",
	} {
		o := execute(t, "run", "fib", "--n", "10", "--runtimes", "serial", "--count", "1", "--format", format)
		if o.status != exitDone || !strings.Contains(o.stdout, want) || o.stderr != "" {
			t.Errorf("%s: status %d, %q, stderr %q", format, o.status, o.stdout, o.stderr)
		}
	}
}

func TestTheSuiteMeasuresEveryWorkload(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	o := execute(t, "--runtimes", "pinwheel", "--count", "1", "--warmup", "0", "--input", "..", "--json")
	seen := map[string]bool{}
	for _, r := range parse(t, o).Results {
		seen[r.Workload] = true
	}
	for _, name := range workloadNames() {
		if name == "files" {
			continue // there is no src/net in ..
		}
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
	if o.status != exitDone || !strings.Contains(o.stderr, "left out: files: ") {
		t.Errorf("status %d, stderr %q", o.status, o.stderr)
	}
}

func TestListNamesEveryWorkload(t *testing.T) {
	table := execute(t, "list").stdout
	var d struct {
		Workloads []struct{ Name, Doc, N string }
	}
	if err := json.Unmarshal([]byte(execute(t, "list", "--json").stdout), &d); err != nil || len(d.Workloads) != len(workloadNames()) {
		t.Fatalf("%+v, %v", d, err)
	}
	for _, w := range d.Workloads {
		if !strings.Contains(table, "\n"+w.Name+" ") || !strings.Contains(table, w.Doc) {
			t.Errorf("%s is not in the table", w.Name)
		}
	}
}

func TestEnvTellsEveryVariable(t *testing.T) {
	o := process(t, []string{"PINWHEEL_WORKERS=2"}, "env", "--json")
	var d struct{ Variables []map[string]string }
	if err := json.Unmarshal([]byte(o.stdout), &d); err != nil || len(d.Variables) == 0 {
		t.Fatalf("%v in %q, stderr %q", err, o.stdout, o.stderr)
	}
	table := process(t, nil, "env").stdout
	for _, v := range d.Variables {
		if !strings.HasPrefix(v["name"], "PINWHEEL_") || v["accepted"] == "" || !strings.Contains(table, v["name"]) {
			t.Errorf("%v", v)
		}
	}
}

func TestVersionNamesTheToolchain(t *testing.T) {
	if o := execute(t, "version"); o.status != exitDone || !strings.Contains(o.stdout, runtime.Version()) {
		t.Errorf("%+v", o)
	}
}

func TestCompareFindsRegressionsAndFailures(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, wall [5]int64, verified bool) string {
		path := filepath.Join(dir, name)
		text := fmt.Sprintf(`{"schema":1,"results":[{"workload":"fib","runtime":"serial","workers":1,"n":"9","tasks":1,"wall_ns":[%d,%d,%d,%d,%d],"verified":%v}]}`,
			wall[0], wall[1], wall[2], wall[3], wall[4], verified)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	base := write("base", [5]int64{100, 101, 102, 103, 104}, true)
	slow := write("slow", [5]int64{110, 111, 112, 113, 114}, true)
	wrong := write("wrong", [5]int64{100, 101, 102, 103, 104}, false)
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte(`{"schema":1,"results":[{"workload":"loop","runtime":"serial","workers":1,"n":"9","tasks":1,"wall_ns":[1],"verified":true}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		status int
		output string
	}{
		{[]string{base, base}, exitDone, "~"},
		{[]string{base, other}, exitUsage, "nothing to compare: no result of " + other + " is for what one of " + base + " is for"},
		{[]string{base, slow}, exitRegression, "REGRESSION"},
		{[]string{"--fail-above", "20%", base, slow}, exitDone, "+9.80%"},
		{[]string{base, slow, "--fail-above=9.7%"}, exitRegression, "REGRESSION"},
		{[]string{slow, base}, exitDone, "-8.93%"},
		{[]string{base, wrong}, exitFailed, "not compared, because a run failed"},
		{[]string{base, slow, "--json"}, exitRegression, `"regression": true`},
	} {
		o := execute(t, append([]string{"compare"}, c.args...)...)
		if o.status != c.status || !strings.Contains(o.stdout+o.stderr, c.output) {
			t.Errorf("compare %q: status %d, %q, stderr %q", c.args, o.status, o.stdout, o.stderr)
		}
	}
}

func TestAnInterruptedRunPrintsWhatWasFinished(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals")
	}
	o := process(t, nil, "run", "fib", "--n", "10", "idle", "--n", "1h", "--json", "--count", "1", "--warmup", "0")
	if o.status != exitUsage {
		t.Fatalf("a size that fits one of the workloads only: %+v", o)
	}
	// Fast at first, then a run that takes far too long.
	o = interrupted(t, os.Interrupt, "run", "pair-empty", "fib", "--n", "60", "--runtimes", "serial", "--json", "--count", "1", "--warmup", "0")
	d := parse(t, o)
	if o.status != exitInterrupted || len(d.Results) != 1 || d.Results[0].Workload != "pair-empty" || !*d.Results[0].Verified {
		t.Errorf("status %d, %+v, stderr %q", o.status, d.Results, o.stderr)
	}
	if !strings.Contains(o.stderr, "interrupted") || strings.Contains(o.stderr, "goroutine ") {
		t.Errorf("stderr %q", o.stderr)
	}
}

func TestAnInterruptionBeforeTheFirstResultIsStillADocument(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals")
	}
	for rt, signal := range map[string]os.Signal{"serial": syscall.SIGTERM, "pinwheel": os.Interrupt} {
		o := interrupted(t, signal, "run", "fib", "--n", "60", "--runtimes", rt, "--json")
		if d := parse(t, o); o.status != exitInterrupted || d.Results == nil || len(d.Results) != 0 {
			t.Errorf("%s, %v: status %d, %q, stderr %q", rt, signal, o.status, o.stdout, o.stderr)
		}
	}
}

func TestACPUProfileIsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "profile")
	o := execute(t, "run", "fib", "--n", "10", "--count", "1", "--cpuprofile", path)
	if info, err := os.Stat(path); o.status != exitDone || err != nil || info.Size() == 0 {
		t.Errorf("status %d, %v, %q", o.status, err, o.stderr)
	}
}

func TestCompletionCompletes(t *testing.T) {
	for _, shell := range shells {
		o := execute(t, "completion", shell)
		for _, want := range []string{"compare", "nqueens", "runtimes", "benchstat"} {
			if o.status != exitDone || !strings.Contains(o.stdout, want) {
				t.Errorf("%s does not know %s", shell, want)
			}
		}
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	script := execute(t, "completion", "bash").stdout
	for words, want := range map[string]string{
		"co":                      "completion compare",
		"run nq":                  "nqueens",
		"run fib --coun":          "--count",
		"run fib --format benc":   "benchstat",
		"run fib --runtimes goro": "goroutines",
		"completion f":            "fish",
		"--warm":                  "--warmup",
	} {
		fields := strings.Fields(words)
		use := fmt.Sprintf("%s\nCOMP_WORDS=(schedbench %s); COMP_CWORD=%d; _schedbench; printf '%%s\\n' \"${COMPREPLY[@]}\"", script, words, len(fields))
		out, err := exec.CommandContext(t.Context(), bash, "-c", use).CombinedOutput()
		got := strings.Fields(string(out))
		slices.Sort(got)
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		if err != nil || !slices.Equal(got, wanted) {
			t.Errorf("schedbench %s<tab>: %q, %v, want %q", words, got, err, wanted)
		}
	}
}

func TestHintsAreTheNearestName(t *testing.T) {
	known := []string{"run", "list", "compare", ""}
	for name, want := range map[string]string{
		"rnu": "did you mean run?", "lits": "did you mean list?", "comparee": "did you mean compare?", "zzzzzz": "else", "": "else",
	} {
		if got := hint(name, known, "else"); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q", name, got)
		}
	}
	for _, c := range []struct {
		a, b string
		d    int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"kitten", "sitting", 3}, {"fib", "fib", 0}} {
		if got := editDistance(c.a, c.b); got != c.d {
			t.Errorf("%q, %q: %d", c.a, c.b, got)
		}
	}
}

// A closedPipe refuses everything.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestAnOutputThatCannotBeWrittenIsAFailure(t *testing.T) {
	for _, args := range []string{"list", "list --json", "env", "env --json", "version", "help", "completion fish", "run fib --n 5 --count 1"} {
		var stderr bytes.Buffer
		if status := newProgram(closedPipe{}, &stderr).main(t.Context(), strings.Fields(args)); status != exitFailed {
			t.Errorf("schedbench %s: status %d, %q", args, status, stderr.String())
		}
	}
}
