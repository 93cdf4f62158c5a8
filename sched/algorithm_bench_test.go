package sched

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

func BenchmarkSort(b *testing.B) {
	const n = 1_000_000
	ints := make([]int, n)
	texts := make([]string, n)
	for i := range ints {
		ints[i] = rand.Int()
		texts[i] = strconv.Itoa(ints[i])
	}
	a, s := make([]int, n), make([]string, n)
	b.Run("ints", func(b *testing.B) {
		for range b.N {
			copy(a, ints)
			_ = Sort(context.Background(), a)
		}
	})
	b.Run("ints, slices", func(b *testing.B) {
		for range b.N {
			copy(a, ints)
			slices.Sort(a)
		}
	})
	b.Run("strings", func(b *testing.B) {
		for range b.N {
			copy(s, texts)
			_ = Sort(context.Background(), s)
		}
	})
	b.Run("strings, slices", func(b *testing.B) {
		for range b.N {
			copy(s, texts)
			slices.Sort(s)
		}
	})
}
