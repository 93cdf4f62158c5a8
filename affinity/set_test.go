package affinity_test

import (
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinwheel-sched/pinwheel/affinity"
)

func TestSetAgreesWithAMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func() (affinity.Set, map[int]bool) {
		var set affinity.Set
		model := map[int]bool{}
		top := []int{1, 9, 64, 300, 4200}[rng.IntN(5)]
		for range rng.IntN(40) {
			cpu := rng.IntN(top)
			set.Add(cpu)
			model[cpu] = true
		}
		return set, model
	}
	list := func(model map[int]bool) []int { return slices.Sorted(maps.Keys(model)) }
	for range 300 {
		a, ma := random()
		b, mb := random()
		or := maps.Clone(ma)
		maps.Copy(or, mb)
		and, andNot := map[int]bool{}, map[int]bool{}
		for cpu := range ma {
			if mb[cpu] {
				and[cpu] = true
			} else {
				andNot[cpu] = true
			}
		}
		for _, c := range []struct {
			op   string
			got  affinity.Set
			want map[int]bool
		}{{"a", a, ma}, {"and", a.And(b), and}, {"or", a.Or(b), or}, {"and not", a.AndNot(b), andNot}} {
			want := list(c.want)
			if got := c.got.List(); !slices.Equal(got, want) {
				t.Fatalf("%s of %v and %v = %v, want %v", c.op, a, b, got, want)
			}
			if c.got.Len() != len(want) || c.got.IsEmpty() != (len(want) == 0) || c.got != affinity.NewSet(want...) {
				t.Fatalf("%s: Len, IsEmpty or == disagree with %v", c.op, want)
			}
			if first := c.got.First(); len(want) > 0 && first != want[0] || len(want) == 0 && first != -1 {
				t.Fatalf("First of %v = %d", want, first)
			}
		}
		if a.Contains(b) != (len(and) == len(mb)) || !a.Or(b).Contains(a) {
			t.Fatalf("%v.Contains(%v) is wrong", a, b)
		}
		for _, cpu := range []int{-1, 0, 7, 8, 299, 4199, 8191, math.MaxInt} {
			if a.Has(cpu) != ma[cpu] {
				t.Fatalf("%v.Has(%d) = %v", a, cpu, a.Has(cpu))
			}
		}
	}
}

func TestSetIsAValue(t *testing.T) {
	a := affinity.NewSet(1, 2)
	b := a
	b.Add(3)
	if a.String() != "1-2" || b.String() != "1-3" {
		t.Errorf("after adding to a copy: %v and %v", a, b)
	}
	if d := cmp.Diff(map[affinity.Set]int{affinity.NewSet(5, 1): 1}, map[affinity.Set]int{affinity.NewSet(1, 5, 1): 1}); d != "" {
		t.Error(d)
	}
}

func TestSetRefusesCPUsThatItCannotHold(t *testing.T) {
	for _, cpu := range []int{-1, 8192, math.MaxInt} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("adding %d did not panic", cpu)
				}
			}()
			var s affinity.Set
			s.Add(cpu)
		}()
	}
}

func TestSetIsAListInJSON(t *testing.T) {
	type machine struct{ A, B affinity.Set }
	in := machine{A: affinity.NewSet(0, 1, 2, 9)}
	text, err := json.Marshal(in)
	if err != nil || string(text) != `{"A":"0-2,9","B":""}` {
		t.Fatalf("%s, %v", text, err)
	}
	out := machine{B: affinity.NewSet(1)}
	if err := json.Unmarshal(text, &out); err != nil || out != in {
		t.Fatalf("%v, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`{"A":"2-1"}`), &out); err == nil {
		t.Error("a range that runs backwards was accepted")
	}
}
