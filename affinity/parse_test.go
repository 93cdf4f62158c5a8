package affinity_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

func TestParseListReadsWhatLinuxWrites(t *testing.T) {
	for text, want := range map[string][]int{
		"0":             {0},
		"0-3,8":         {0, 1, 2, 3, 8},
		"8,0-1":         {0, 1, 8},
		"5-5":           {5},
		"0-2,1-3":       {0, 1, 2, 3},
		"7-8,15-16":     {7, 8, 15, 16},
		"4095-4097":     {4095, 4096, 4097},
		"8191":          {8191},
		"0,2,4,6,63,64": {0, 2, 4, 6, 63, 64},
	} {
		got, err := affinity.ParseList(text)
		if err != nil || !slices.Equal(got.List(), want) {
			t.Errorf("ParseList(%q) = %v, %v; want %v", text, got.List(), err, want)
		}
	}
}

// badLists are values that users and files may give and that are no CPU list.
var badLists = []string{
	"", " ", "0 ", " 0", "0, 1", "0 - 3", "+2", "-1", "-", "--", "1-", "-3-5", "1--2", "1-2-3", ",", "0,", ",0", "0,,1",
	"5-3", "0-4294967295", "8192", "0-8192", "00001", "999999999999999999999", "1e3", "0x10", "1.5", "a", "0-3:1/2", "0\n", "0\x00", "٣",
	strings.Repeat("9", 1<<20), strings.Repeat("0,", 1<<20) + "0", strings.Repeat("0-8191,", 1<<14) + "0",
}

func TestParseListRejectsTheRestNamingValueAndForm(t *testing.T) {
	for _, text := range badLists {
		_, err := affinity.ParseList(text)
		if err == nil {
			t.Errorf("ParseList(%.40q) succeeded", text)
			continue
		}
		msg := err.Error()
		shown := fmt.Sprintf("%q", text[:min(len(text), 40)])
		if !strings.Contains(msg, shown) || !strings.Contains(msg, "0-3,8") {
			t.Errorf("error does not name value and form: %v", err)
		}
		if len(msg) > 400 {
			t.Errorf("error of %d bytes", len(msg))
		}
	}
}

func TestParseListWorksHardForNoInput(t *testing.T) {
	for _, text := range badLists {
		got := testing.AllocsPerRun(1, func() { _, _ = affinity.ParseList(text) })
		if got > 40 {
			t.Errorf("ParseList(%.40q) allocates %v times", text, got)
		}
	}
}

func TestParseMaskReadsWordsMostSignificantFirst(t *testing.T) {
	for text, want := range map[string]string{
		"0":                             "",
		"00000000":                      "",
		"3":                             "0-1",
		"ff":                            "0-7",
		"FFFFFFFF":                      "0-31",
		"00000001,0000000f":             "0-3,32",
		"80000000,00000000,00000000":    "95",
		"1,00000000":                    "32",
		strings.Repeat("0,", 999) + "1": "0",
	} {
		got, err := affinity.ParseMask(text)
		if err != nil || got.String() != want {
			t.Errorf("ParseMask(%q) = %v, %v; want %s", text, got, err, want)
		}
	}
}

func TestParseMaskRejectsTheRest(t *testing.T) {
	for _, text := range []string{
		"", ",", "1,", "0x1", "+1", "-1", "1_0", "g", " 1", "100000000", "1," + strings.Repeat("00000000,", 256) + "0",
		strings.Repeat("f", 1<<20), strings.Repeat("0,", 1<<20) + "0",
	} {
		if _, err := affinity.ParseMask(text); err == nil {
			t.Errorf("ParseMask(%.40q) succeeded", text)
		} else if !strings.Contains(err.Error(), "00000001,0000000f") {
			t.Errorf("error does not name the form: %v", err)
		}
	}
}

func TestPolicyNamesAndListsReadBack(t *testing.T) {
	for text, want := range map[string]affinity.Policy{
		"auto": affinity.Auto, "none": affinity.None, "compact": affinity.Compact, "scatter": affinity.Scatter,
		"cores": affinity.Cores, "numa": affinity.NUMA, "0-3,8": affinity.List(affinity.NewSet(0, 1, 2, 3, 8)),
	} {
		got, err := affinity.ParsePolicy(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("ParsePolicy(%q) = %v, %v", text, got, err)
		}
	}
	if zero := (affinity.Policy{}); zero != affinity.Auto {
		t.Error("the zero Policy is not Auto")
	}
}

func TestParsePolicyRejectsTheRestNamingEveryForm(t *testing.T) {
	for _, text := range append([]string{"Auto", "AUTO", "auto ", "compact,scatter", "core"}, badLists...) {
		_, err := affinity.ParsePolicy(text)
		if err == nil {
			t.Errorf("ParsePolicy(%.40q) succeeded", text)
			continue
		}
		for _, form := range []string{"auto", "none", "compact", "scatter", "cores", "numa", "0-3,8"} {
			if !strings.Contains(err.Error(), form) {
				t.Errorf("error does not name %s: %v", form, err)
			}
		}
	}
}

func FuzzParseList(f *testing.F) {
	for _, s := range []string{"0", "0-3,8", "4095-4097", "8191", "2,0-1,1"} {
		f.Add(s)
	}
	for _, s := range badLists {
		f.Add(s[:min(len(s), 100)])
	}
	f.Fuzz(func(t *testing.T, s string) {
		set, err := affinity.ParseList(s)
		if err != nil {
			if !set.IsEmpty() {
				t.Errorf("an error and %v", set)
			}
			return
		}
		if again, err := affinity.ParseList(set.String()); err != nil || again != set || set.IsEmpty() {
			t.Errorf("%q gives %v, which gives %v, %v", s, set, again, err)
		}
		if p, err := affinity.ParsePolicy(s); err != nil || p != affinity.List(set) {
			t.Errorf("ParsePolicy(%q) = %v, %v", s, p, err)
		}
	})
}

func FuzzParseMask(f *testing.F) {
	for _, s := range []string{"0", "ff", "00000001,0000000f", "f,,f", "100000000", "+1", "1_0", strings.Repeat("ffffffff,", 256) + "0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		set, err := affinity.ParseMask(s)
		if err != nil {
			return
		}
		words := []string{"0"}
		if cpus := set.List(); len(cpus) > 0 {
			words = nil
			for w := cpus[len(cpus)-1] / 32; w >= 0; w-- {
				word := uint32(0)
				for bit := range 32 {
					if set.Has(w*32 + bit) {
						word |= 1 << bit
					}
				}
				words = append(words, fmt.Sprintf("%08x", word))
			}
		}
		if again, err := affinity.ParseMask(strings.Join(words, ",")); err != nil || again != set {
			t.Errorf("%q gives %v, which gives %v, %v", s, set, again, err)
		}
	})
}
