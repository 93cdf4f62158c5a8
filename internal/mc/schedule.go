package mc

import (
	"fmt"
	"strconv"
	"strings"
)

// A Schedule is the decisions of a run: at each operation the id of the thread that took the turn, in the order of
// [Run.Go], from 0; and the values of [Run.Choose]. Together with the harness it determines the run.
type Schedule []int

// String returns the decisions separated by commas, a repeated one as the value, "x" and the number of times: "0x3,1,0".
func (s Schedule) String() string {
	var b strings.Builder
	for i := 0; i < len(s); {
		j := i
		for j < len(s) && s[j] == s[i] {
			j++
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(s[i]))
		if n := j - i; n > 1 {
			b.WriteString("x" + strconv.Itoa(n))
		}
		i = j
	}
	return b.String()
}

// ParseSchedule reads what [Schedule.String] writes.
func ParseSchedule(text string) (Schedule, error) {
	var s Schedule
	for part := range strings.SplitSeq(text, ",") {
		value, times, repeated := strings.Cut(part, "x")
		id, err := strconv.ParseUint(value, 10, 16)
		n := uint64(1)
		if err == nil && repeated {
			n, err = strconv.ParseUint(times, 10, 24)
		}
		if err != nil {
			return nil, fmt.Errorf("mc: schedule %q: %q is neither a number nor a number, x and a number of times", text, part)
		}
		for range n {
			s = append(s, int(id))
		}
	}
	return s, nil
}
