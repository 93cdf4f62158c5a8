package mc

import (
	"slices"
	"testing"
)

func TestSchedulesAreWrittenAndRead(t *testing.T) {
	for text, want := range map[string]Schedule{
		"0":          {0},
		"0,1,0":      {0, 1, 0},
		"2x3,0,10x2": {2, 2, 2, 0, 10, 10},
	} {
		s, err := ParseSchedule(text)
		if err != nil || !slices.Equal(s, want) {
			t.Errorf("ParseSchedule(%q) = %v, %v; want %v", text, []int(s), err, []int(want))
		}
		if got := want.String(); got != text {
			t.Errorf("%v is written %q, want %q", []int(want), got, text)
		}
	}
}

func TestOtherTextIsNoSchedule(t *testing.T) {
	for _, text := range []string{"", ",", "a", "-1", "1x", "1x-1", "x2", "1x99999999999", "0x3 1"} {
		if s, err := ParseSchedule(text); err == nil {
			t.Errorf("ParseSchedule(%q) = %v, want an error", text, []int(s))
		}
	}
}
