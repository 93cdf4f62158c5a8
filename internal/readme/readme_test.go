package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const top = "../.."

func TestTheREADMEIsAsGenerated(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(top, readmeFile))
	if err != nil {
		t.Fatal(err)
	}
	want, err := generate(top, string(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("README.md is not what go run ./internal/readme writes (-generated +found):\n%s", diff)
	}
}

func TestAFigureThatWasTypedIsNoticed(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(top, readmeFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"program", "costs", "suite", "environment"} {
		end := "<!-- end " + name + " -->\n"
		typed := strings.Replace(string(text), end, "| 1.0 ns |\n"+end, 1)
		got, err := generate(top, typed)
		if err != nil {
			t.Fatal(err)
		}
		if got == typed {
			t.Errorf("a line added to the block %s stays", name)
		}
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
