package affinity

import (
	"fmt"
	"math/bits"
	"strings"
)

// maxCPUs bounds the CPU numbers that a [Set] holds, and so the memory that any text can make it use: 1 KiB. It is
// the largest number of CPUs that Linux can be built for.
const maxCPUs = 8192

// A Set is a set of CPU numbers below 8,192. It is a value: assigning it copies it, the zero Set is empty, and == is set
// equality, so that CPUs can be grouped with a map from Set. [github.com/google/go-cmp/cmp] uses Equal.
//
// Operations cost time and memory in proportion to the highest CPU number, one byte for eight.
type Set struct {
	bits string // CPU i is bit i%8 of byte i/8; the last byte is not zero, so that equal sets have equal strings
}

// setOf makes a Set of bytes laid out like Set.bits, which may end in zero bytes.
func setOf(b []byte) Set {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return Set{bits: string(b)}
}

// NewSet returns the set of the given CPUs. It panics if one of them is negative or above 8,191.
func NewSet(cpus ...int) Set {
	top := -1
	for _, c := range cpus {
		mustBeCPU(c)
		top = max(top, c)
	}
	b := make([]byte, top/8+1)
	for _, c := range cpus {
		b[c/8] |= 1 << (c % 8)
	}
	return setOf(b)
}

// rangeSet returns the set of the CPUs 0 to n-1.
func rangeSet(n int) Set {
	b := make([]byte, (n+7)/8)
	fillRange(b, 0, n-1)
	return setOf(b)
}

// fillRange sets the bits lo to hi of b.
func fillRange(b []byte, lo, hi int) {
	for ; lo <= hi && lo%8 != 0; lo++ {
		b[lo/8] |= 1 << (lo % 8)
	}
	for ; lo+7 <= hi; lo += 8 {
		b[lo/8] = 0xff
	}
	for ; lo <= hi; lo++ {
		b[lo/8] |= 1 << (lo % 8)
	}
}

func mustBeCPU(cpu int) {
	if cpu < 0 || cpu >= maxCPUs {
		panic(fmt.Sprintf("affinity: CPU %d is not between 0 and %d", cpu, maxCPUs-1))
	}
}

// Add adds a CPU. It panics if cpu is negative or above 8,191.
func (s *Set) Add(cpu int) {
	mustBeCPU(cpu)
	b := make([]byte, max(len(s.bits), cpu/8+1))
	copy(b, s.bits)
	b[cpu/8] |= 1 << (cpu % 8)
	*s = setOf(b)
}

// Has reports whether cpu is in the set. Any int may be asked for.
func (s Set) Has(cpu int) bool {
	return cpu >= 0 && cpu/8 < len(s.bits) && s.bits[cpu/8]>>(cpu%8)&1 != 0
}

// Len returns the number of CPUs in the set.
func (s Set) Len() int {
	n := 0
	for i := range len(s.bits) {
		n += bits.OnesCount8(s.bits[i])
	}
	return n
}

// IsEmpty reports whether the set has no CPU.
func (s Set) IsEmpty() bool { return s.bits == "" }

// First returns the lowest CPU of the set, or -1 if it is empty.
func (s Set) First() int {
	for i := range len(s.bits) {
		if s.bits[i] != 0 {
			return i*8 + bits.TrailingZeros8(s.bits[i])
		}
	}
	return -1
}

// List returns the CPUs of the set in ascending order.
func (s Set) List() []int {
	l := make([]int, 0, s.Len())
	for i := range len(s.bits) {
		for w := s.bits[i]; w != 0; w &= w - 1 {
			l = append(l, i*8+bits.TrailingZeros8(w))
		}
	}
	return l
}

// String returns the set as a CPU list such as "0-3,8", which [ParseList] reads back, and "" for the empty set.
func (s Set) String() string {
	var b strings.Builder
	l := s.List()
	for i := 0; i < len(l); {
		j := i
		for j+1 < len(l) && l[j+1] == l[j]+1 {
			j++
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprint(&b, l[i])
		if j > i {
			fmt.Fprintf(&b, "-%d", l[j])
		}
		i = j + 1
	}
	return b.String()
}

// Equal reports whether both sets have the same CPUs. It is the same as ==.
func (s Set) Equal(o Set) bool { return s == o }

// And returns the CPUs that are in both sets.
func (s Set) And(o Set) Set {
	b := make([]byte, min(len(s.bits), len(o.bits)))
	for i := range b {
		b[i] = s.bits[i] & o.bits[i]
	}
	return setOf(b)
}

// Or returns the CPUs that are in at least one of the sets.
func (s Set) Or(o Set) Set {
	b := make([]byte, max(len(s.bits), len(o.bits)))
	copy(b, s.bits)
	for i := range len(o.bits) {
		b[i] |= o.bits[i]
	}
	return setOf(b)
}

// AndNot returns the CPUs that are in s and not in o.
func (s Set) AndNot(o Set) Set {
	b := []byte(s.bits)
	for i := range min(len(b), len(o.bits)) {
		b[i] &^= o.bits[i]
	}
	return setOf(b)
}

// Contains reports whether every CPU of o is in s.
func (s Set) Contains(o Set) bool { return o.AndNot(s).IsEmpty() }

// MarshalText returns the set as a CPU list, for JSON and flags.
func (s Set) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a CPU list; no text is the empty set.
func (s *Set) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = Set{}
		return nil
	}
	set, err := ParseList(string(text))
	if err == nil {
		*s = set
	}
	return err
}
