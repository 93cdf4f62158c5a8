package affinity

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxListLen bounds the text of a CPU list or mask. The longest sensible list, every second CPU, has 20 KB.
const maxListLen = 64 << 10

// ParseList reads a CPU list as Linux writes it and as PINWHEEL_AFFINITY takes it: numbers and ascending ranges, separated
// by commas, such as "0-3,8". Nothing else is accepted: no spaces, no signs, no empty items, no empty list, no CPU
// above 8,191. Items may overlap and come in any order. The error names the value and the accepted form.
func ParseList(s string) (Set, error) {
	set, err := parseList(s)
	if err != nil {
		return Set{}, fmt.Errorf("affinity: CPU list %s: %w; want CPU numbers from 0 to %d and ascending ranges, "+
			"separated by commas, such as 0-3,8", quote(s), err, maxCPUs-1)
	}
	return set, nil
}

func parseList(s string) (Set, error) {
	switch {
	case s == "":
		return Set{}, errors.New("empty")
	case len(s) > maxListLen:
		return Set{}, errors.New("too long")
	}
	var b []byte
	for item := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(item, "-")
		lo, err := parseCPU(first)
		if err != nil {
			return Set{}, err
		}
		hi := lo
		if isRange {
			if hi, err = parseCPU(last); err != nil {
				return Set{}, err
			}
		}
		if hi < lo {
			return Set{}, fmt.Errorf("range %s runs backwards", item)
		}
		if need := hi/8 + 1; need > len(b) {
			b = append(b, make([]byte, need-len(b))...)
		}
		fillRange(b, lo, hi)
	}
	return setOf(b), nil
}

// parseCPU reads one decimal CPU number. It looks at no more digits than the largest one has.
func parseCPU(s string) (int, error) {
	if s == "" {
		return 0, errors.New("a number is missing")
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, fmt.Errorf("%s is not a number", quote(s))
		}
	}
	n := maxCPUs
	if len(s) <= len("8191") {
		n, _ = strconv.Atoi(s)
	}
	if n >= maxCPUs {
		return 0, fmt.Errorf("%s is too large", quote(s))
	}
	return n, nil
}

// quote quotes a value for an error message and cuts it to a readable length.
func quote(s string) string {
	const most = 40
	if len(s) <= most {
		return strconv.Quote(s)
	}
	return strconv.Quote(s[:most]) + fmt.Sprintf("... (%d bytes)", len(s))
}

// ParseMask reads a CPU mask as the kernel writes it in sysfs and procfs: hexadecimal words of 32 bits, the most significant
// first, separated by commas, such as "00000001,0000000f" for the CPUs 0-3 and 32. A word may be written with fewer than
// eight digits. No bits at all is the empty set.
func ParseMask(s string) (Set, error) {
	set, err := parseMask(s)
	if err != nil {
		return Set{}, fmt.Errorf("affinity: CPU mask %s: %w; want hexadecimal words of 32 bits, most significant first, "+
			"separated by commas, such as 00000001,0000000f", quote(s), err)
	}
	return set, nil
}

func parseMask(s string) (Set, error) {
	if len(s) > maxListLen {
		return Set{}, errors.New("too long")
	}
	words := strings.Split(s, ",")
	b := make([]byte, len(words)*4)
	for i, word := range words {
		w, err := strconv.ParseUint(word, 16, 32)
		if err != nil {
			return Set{}, fmt.Errorf("%s is not a word", quote(word))
		}
		at := (len(words) - 1 - i) * 4
		for j := range 4 {
			b[at+j] = byte(w >> (8 * j))
		}
	}
	set := setOf(b)
	if len(set.bits) > maxCPUs/8 {
		return Set{}, fmt.Errorf("a CPU is above %d", maxCPUs-1)
	}
	return set, nil
}
