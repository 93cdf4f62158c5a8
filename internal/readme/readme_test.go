package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/internal/bench/report"
)

const top = "../.."

func measured(t *testing.T) Measured {
	t.Helper()
	m, err := readMeasured(filepath.Join(top, measuredFile))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func text(t *testing.T, document string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(top, document))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTheDocumentsAreAsGenerated(t *testing.T) {
	for _, document := range documents {
		found := text(t, document)
		want, err := generate(top, measured(t), document, found)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("%s is not what go run ./internal/readme writes (-generated +found):\n%s", document, diff)
		}
	}
}

func TestAFigureThatWasTypedIsNoticed(t *testing.T) {
	m := measured(t)
	for _, b := range blocks(top, m) {
		end := "<!-- end " + b.name + " -->\n"
		typed := strings.Replace(text(t, b.document), end, "| 1.0 ns |\n"+end, 1)
		got, err := generate(top, m, b.document, typed)
		if err != nil {
			t.Fatal(err)
		}
		if got == typed {
			t.Errorf("a line added to the block %s stays", b.name)
		}
	}
}

// What was measured otherwise must be told otherwise: nothing of it is written by hand.
func TestTheTablesSayWhatTheyWereMeasuredWith(t *testing.T) {
	m := measured(t)
	for _, d := range []*report.Document{m.Forks, m.Suite} {
		d.Host.CPU, d.Host.CPUs, d.Host.Go = "Z80", 61, "go9.9"
	}
	m.Forks.Settings.Workers, m.Forks.Settings.Count = []int{43}, 44
	m.Suite.Settings.Workers, m.Suite.Settings.Count = []int{51}, 52
	small, err := costs(m)
	if err != nil {
		t.Fatal(err)
	}
	all, err := suite(m.Suite)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"costs", small, []string{"Z80, 61 CPUs", "go9.9", "43 workers", "44 runs", "51 workers", "52 runs"}},
		{"suite", all, []string{"Z80, 61 CPUs", "go9.9", "51 workers", "52 runs"}},
	} {
		how, _, _ := strings.Cut(c.text, "\n")
		for _, want := range c.want {
			if !strings.Contains(how, want) {
				t.Errorf("%s does not say %q: %s", c.name, want, how)
			}
		}
		if n := len(regexp.MustCompile(`\d+ (worker|run|CPU)`).FindAllString(how, -1)); n != len(c.want)-1 {
			t.Errorf("%s says something of workers, runs or CPUs that was not measured: %s", c.name, how)
		}
	}
}

func TestATableIsOfOneNumberOfWorkersAndOneMachine(t *testing.T) {
	m := measured(t)
	m.Suite.Settings.Workers = []int{1, 2}
	if _, err := suite(m.Suite); err == nil {
		t.Error("suite mixes numbers of workers")
	}
	if _, err := costs(m); err == nil {
		t.Error("costs mixes numbers of workers")
	}
	m = measured(t)
	m.Suite.Host.CPU = "another"
	if _, err := costs(m); err == nil {
		t.Error("costs mixes machines")
	}
}

func TestWhatIsInTheSmallTableMustHaveBeenMeasuredAndBeRight(t *testing.T) {
	m := measured(t)
	find(m.Suite, "pingpong", "", bench.Pinwheel).Verified = false
	if _, err := costs(m); err == nil {
		t.Error("a run that failed is quoted")
	}
	m = measured(t)
	find(m.Forks, "fib", "", bench.Serial).Workload = "other"
	if _, err := costs(m); err == nil {
		t.Error("a run is quoted that there was not")
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	for _, document := range append([]string{"docs/decisions/README.md", "examples/README.md"}, documents...) {
		links := link.FindAllStringSubmatch(text(t, document), -1)
		for _, l := range links {
			if _, err := os.Stat(filepath.Join(top, filepath.Dir(document), l[1])); err != nil {
				t.Errorf("%s: %v", document, err)
			}
		}
		if len(links) == 0 && document != "docs/measured.md" {
			t.Errorf("%s has no links", document)
		}
	}
}

func TestEveryDecisionIsInTheIndex(t *testing.T) {
	index := text(t, "docs/decisions/README.md")
	notes, err := filepath.Glob(filepath.Join(top, "docs/decisions/0*.md"))
	if err != nil || len(notes) == 0 {
		t.Fatal(notes, err)
	}
	for _, note := range notes {
		if !strings.Contains(index, "("+filepath.Base(note)+")") {
			t.Errorf("%s is not in the index", filepath.Base(note))
		}
	}
}

// The program, the table of costs and all before them are to fit one screen.
func TestTheProgramIsShort(t *testing.T) {
	p, err := program(top)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(p, "\n") - 2; n > 16 {
		t.Errorf("it has %d lines", n)
	}
}

func TestABlockNeedsBothMarks(t *testing.T) {
	for _, text := range []string{
		"",
		"<!-- begin x -->\n",
		"<!-- end x -->\n",
		"<!-- end x -->\n<!-- begin x -->\n",
		"<!-- begin x -->\n<!-- end x -->\n<!-- begin x -->\n<!-- end x -->\n",
	} {
		if got, err := replace(text, "x", "new\n"); err == nil {
			t.Errorf("%q becomes %q", text, got)
		}
	}
	got, err := replace("a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n", "x", "new\n")
	if want := "a\n<!-- begin x -->\nnew\n<!-- end x -->\nb\n"; got != want || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestDurationsHaveTwoOrThreeDigits(t *testing.T) {
	for want, ns := range map[string]float64{
		"1.7 ns": 1.7, "0.4 ns": 0.44, "10 ns": 9.97, "940 ns": 939.6, "1.0 µs": 999.7, "1.5 µs": 1531, "155 µs": 154_889, "2.0 s": 2e9,
	} {
		if got := nanoseconds(ns); got != want {
			t.Errorf("%v: %q, want %q", ns, got, want)
		}
	}
}
