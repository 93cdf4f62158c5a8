package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
)

var update = flag.Bool("update", false, "write the golden files anew")

// example has a result of every kind: with metrics, with a variant, failed half-way, and failed at once.
func example() *Document {
	return &Document{
		Schema: Schema,
		Host:   Host{OS: "linux", Arch: "amd64", Kernel: "6.18.0", CPU: "Example 9000", CPUs: 2, GOMAXPROCS: 2, Go: "go1.26.8"},
		Settings: Settings{
			Version: "v1.2.3", Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Runtimes: bench.Runtimes,
			Workers: []int{1, 2}, Count: 3, Warmup: 1, Seed: 1, Environment: map[string]string{"PINWHEEL_SPIN": "0"},
		},
		Results: []bench.Result{
			{
				Workload: "fib", Runtime: bench.Pinwheel, Workers: 2, N: "27", Unit: "fork", Tasks: 317810,
				WallNs: []int64{600000, 610000, 590000}, MedianNs: 600000, NsPerTask: 600000. / 317810, Result: "196418", Verified: true,
				Metrics: map[string]float64{"speedup": 1.85, "allocs_per_task": 0, "bytes_per_task": 0.01, "cpu_fraction": 1.99},
				Stats:   json.RawMessage(`{"Steals": 12}`),
			},
			{
				Workload: "submit", Variant: "producers=8", Runtime: bench.Goroutines, Workers: 2, N: "1000", Unit: "task", Tasks: 1000,
				WallNs: []int64{250000}, MedianNs: 250000, NsPerTask: 250, Result: "1000", Verified: true,
				Metrics: map[string]float64{"allocs_per_task": 1.25, "bytes_per_task": 40}, Stats: json.RawMessage(`{}`),
			},
			{
				Workload: "files", Runtime: bench.Pinwheel, Workers: 2, N: "src/net", Unit: "file", Tasks: 400,
				WallNs: []int64{2e9}, MedianNs: 2e9, NsPerTask: 5e6, Result: "400 files, 00", Verified: true,
				Metrics: map[string]float64{"speedup": 1.7, "ideal_speedup": 1.8, "mb_per_s": 25.123456, "cpu_busy": 0.98, "cpu_fraction": 1.96},
				Stats:   json.RawMessage(`{}`),
			},
			{
				Workload: "pair-cold", Runtime: bench.Serial, Workers: 1, N: "100", Unit: "pair", Tasks: 1,
				WallNs: []int64{}, Result: "5", Error: "wrong answer 5, want 6\nwith more to say", Metrics: map[string]float64{}, Stats: json.RawMessage(`{}`),
			},
		},
	}
}

func TestFormats(t *testing.T) {
	for _, format := range Formats {
		var b bytes.Buffer
		if err := example().Write(&b, format); err != nil {
			t.Fatal(err)
		}
		golden(t, format, b.Bytes())
	}
	if err := example().Write(&bytes.Buffer{}, "xml"); err == nil {
		t.Error("a format that does not exist is written")
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
	}
}

func TestCSVHasTheSameNumberOfFieldsInEachRow(t *testing.T) {
	var b bytes.Buffer
	if err := example().Write(&b, "csv"); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 5 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// TestBenchstatLinesAreThoseOfTheBenchmarkFormat checks them against the proposal's grammar
// (golang.org/design/14313-benchmark-format).
func TestBenchstatLinesAreThoseOfTheBenchmarkFormat(t *testing.T) {
	var b bytes.Buffer
	if err := example().Write(&b, "benchstat"); err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^(Benchmark[A-Z]\S* \d+( [0-9.e+-]+ \S+)+|[a-z]+: .*)$`)
	n := 0
	for s := range strings.Lines(b.String()) {
		if !line.MatchString(strings.TrimSuffix(s, "\n")) {
			t.Errorf("not in the format: %q", s)
		}
		if strings.HasPrefix(s, "Benchmark") {
			n++
		}
	}
	if n != 5 {
		t.Errorf("%d benchmark lines, want one for each verified run", n)
	}
}

func TestJSONIsReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d.json")
	var b bytes.Buffer
	if err := example().Write(&b, "json"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := Read(path)
	if err != nil || len(d.Results) != 4 || d.Results[0].WallNs[1] != 610000 || d.Results[1].Variant != "producers=8" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestReadRefusesWhatIsNotItsSchema(t *testing.T) {
	for text, want := range map[string]string{
		"":                "is not the JSON",
		"Benchmark 1":     "is not the JSON",
		"[]":              "is not the JSON",
		`{}`:              "has schema 0",
		`{"schema": 2}`:   "has schema 2",
		`{"schema":1,"re`: "is not the JSON",
	} {
		path := filepath.Join(t.TempDir(), "d.json")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Error(err)
	}
}

func TestDurationsHaveThreeDigits(t *testing.T) {
	for ns, want := range map[float64]string{
		0: "0ns", 0.5: "0.5ns", 3.456: "3.46ns", 999.4: "999ns", 999.9: "1us", 1234: "1.23us", 123456: "123us",
		999_999: "1ms", 1_500_000: "1.5ms", 2e9: "2s", 123e9: "123s",
	} {
		if got := duration(ns); got != want {
			t.Errorf("%v: %s, want %s", ns, got, want)
		}
	}
}

// document has one result with the given times.
func document(wall ...int64) *Document {
	return &Document{Schema: Schema, Results: []bench.Result{{
		Workload: "fib", Runtime: bench.Pinwheel, Workers: 2, N: "27", Tasks: 10, WallNs: wall, Verified: true,
	}}}
}

func TestCompareTellsAChangeFromNoise(t *testing.T) {
	base := []int64{100, 102, 98, 101, 99}
	for _, c := range []struct {
		what        string
		now         []int64
		significant bool
		regression  bool
	}{
		{"the same", base, false, false},
		{"twice the time", []int64{200, 204, 196, 202, 198}, true, true},
		{"half the time", []int64{50, 51, 49, 52, 48}, true, false},
		{"three percent slower, every time", []int64{103, 105, 103, 104, 106}, true, false},
		{"noise about the same median", []int64{60, 150, 101, 180, 99}, false, false},
		{"much slower, but only measured three times", []int64{200, 204, 196}, true, true},
		{"much slower, but only measured twice", []int64{200, 204}, false, false},
		{"one slow run", []int64{100, 102, 98, 101, 900}, false, false},
	} {
		got := Compare(document(base...), document(c.now...), 0.05)
		row := got.Rows[0]
		if row.Significant != c.significant || row.Regression != c.regression || (got.Regressions() > 0) != c.regression {
			t.Errorf("%s: %+v", c.what, row)
		}
	}
}

func TestCompareSaysWhatItCannotCompare(t *testing.T) {
	older, newer := document(1, 2, 3, 4, 5), document(1, 2)
	older.Host.CPU = "another"
	add := func(d *Document, workload string, verified bool) {
		d.Results = append(d.Results, bench.Result{Workload: workload, N: "1", Runtime: bench.Serial, Workers: 1, WallNs: []int64{1}, Verified: verified})
	}
	add(older, "gone", true)
	add(newer, "come", true)
	add(older, "broken", true)
	add(newer, "broken", false)
	c := Compare(older, newer, 0.05)
	notes := strings.Join(c.Notes, "\n")
	for _, want := range []string{"the hosts differ", "only in the old file: gone", "only in the new file: come", "a run failed: broken", "1 of the results have too few runs"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no note %q in\n%s", want, notes)
		}
	}
	if len(c.Rows) != 1 {
		t.Errorf("%d rows", len(c.Rows))
	}
}

func TestCompareOfNothingIsNoChange(t *testing.T) {
	c := Compare(&Document{}, &Document{}, 0.05)
	if c.GeoMean != 1 || c.Regressions() != 0 {
		t.Errorf("%+v", c)
	}
	var b bytes.Buffer
	if err := c.WriteJSON(&b); err != nil {
		t.Error(err)
	}
}

func TestComparisonIsWritten(t *testing.T) {
	older, newer := document(100e3, 102e3, 98e3, 101e3, 99e3, 100e3), document(200e3, 202e3, 198e3, 201e3, 199e3, 200e3)
	older.Results = append(older.Results, document(5, 6, 7).Results...)
	newer.Results = append(newer.Results, document(5, 6, 7).Results...)
	for _, d := range []*Document{older, newer} {
		d.Results[1].Workload, d.Results[1].Variant = "submit", "producers=8"
	}
	c := Compare(older, newer, 0.05)
	var b bytes.Buffer
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "compare", b.Bytes())
	if math.Abs(c.GeoMean-math.Sqrt(2)) > 1e-9 {
		t.Error(c.GeoMean)
	}
}

// A fullDisk takes so many bytes.
type fullDisk int

func (d *fullDisk) Write(b []byte) (int, error) {
	if *d -= fullDisk(len(b)); *d < 0 {
		return 0, fmt.Errorf("disk full")
	}
	return len(b), nil
}

func TestAnOutputThatCannotBeWrittenIsAnError(t *testing.T) {
	for _, format := range Formats {
		for _, room := range []fullDisk{0, 200} {
			if err := example().Write(&room, format); err == nil {
				t.Errorf("%s", format)
			}
		}
	}
}

func TestCPUModelIsTheFirstThatIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "processor\t: 0\n": "", "model\t: 7\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: Other\n": "Some CPU @ 2 GHz", "model name": "",
	} {
		if got := cpuModel(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
